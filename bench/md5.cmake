room_bench(md5 SOURCES ${CMAKE_CURRENT_LIST_DIR}/md5_bench.cc USES base)
