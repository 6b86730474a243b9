room_bench(store SOURCES ${CMAKE_CURRENT_LIST_DIR}/store_bench.cc USES base io store)
