room_bench(json_key SOURCES ${CMAKE_CURRENT_LIST_DIR}/json_key_bench.cc USES pipeline simdjson::simdjson)
