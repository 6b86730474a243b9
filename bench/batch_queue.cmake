room_bench(batch_queue SOURCES ${CMAKE_CURRENT_LIST_DIR}/batch_queue_bench.cc USES pipeline)
