room_bench(router SOURCES ${CMAKE_CURRENT_LIST_DIR}/router_bench.cc USES pipeline)
