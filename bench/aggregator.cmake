room_bench(aggregator SOURCES ${CMAKE_CURRENT_LIST_DIR}/aggregator_bench.cc USES pipeline)
