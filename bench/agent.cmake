# The whole way, from outside; needs build/<preset>/tailrace beside it.
set(agent_parts child free_memory idle latency limits many process_status stored_records throughput workload)
list(TRANSFORM agent_parts PREPEND ${CMAKE_CURRENT_LIST_DIR}/agent/)
list(TRANSFORM agent_parts APPEND .cc)
room_bench(agent SOURCES ${CMAKE_CURRENT_LIST_DIR}/agent_bench.cc ${agent_parts}
  USES base io store pipeline simdjson::simdjson PkgConfig::lz4 Threads::Threads)
if(TARGET tailrace)
  add_dependencies(agent_bench tailrace)
endif()
