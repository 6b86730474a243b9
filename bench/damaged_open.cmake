# By hand: how long a damaged, full segment takes to open.
room_bench(damaged_open SOURCES ${CMAKE_CURRENT_LIST_DIR}/damaged_open_bench.cc USES base io store)
