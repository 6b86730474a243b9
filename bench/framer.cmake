room_bench(framer SOURCES ${CMAKE_CURRENT_LIST_DIR}/framer_bench.cc USES pipeline)
