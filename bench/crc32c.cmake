room_bench(crc32c SOURCES ${CMAKE_CURRENT_LIST_DIR}/crc32c_bench.cc USES base)
