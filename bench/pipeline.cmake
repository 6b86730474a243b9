room_bench(pipeline SOURCES ${CMAKE_CURRENT_LIST_DIR}/pipeline_bench.cc USES pipeline)
