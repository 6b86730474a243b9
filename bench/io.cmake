room_bench(io SOURCES ${CMAKE_CURRENT_LIST_DIR}/io_bench.cc USES io PkgConfig::liburing)
room_bench(store_write SOURCES ${CMAKE_CURRENT_LIST_DIR}/store_write_bench.cc
  USES io PkgConfig::liburing)
