# room(<name> SOURCES ... HEADERS ... USES ... HIDES ...): one folder, one library, one namespace.
#
# USES:  the rooms whose headers this one may include. Arrows point down only; tests/tidy_test.cc
#        checks the includes themselves, because one shared include root cannot.
# HIDES: third-party libraries nobody else may see.
function(room name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;HEADERS;USES;HIDES")
  if(arg_SOURCES)
    add_library(${name} STATIC ${arg_SOURCES})
    target_sources(${name} PUBLIC FILE_SET HEADERS BASE_DIRS ${PROJECT_SOURCE_DIR} FILES ${arg_HEADERS})
    target_link_libraries(${name} PUBLIC tailrace_options ${arg_USES} PRIVATE ${arg_HIDES})
  else()
    add_library(${name} INTERFACE)
    target_sources(${name} INTERFACE FILE_SET HEADERS BASE_DIRS ${PROJECT_SOURCE_DIR} FILES ${arg_HEADERS})
    target_link_libraries(${name} INTERFACE tailrace_options ${arg_USES})
  endif()
endfunction()

# room_test(<room> SOURCES ... USES ...): the room's tests as one program, registered with ctest.
function(room_test room)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;USES")
  set(target ${room}_test)
  add_executable(${target} ${arg_SOURCES})
  target_link_libraries(${target} PRIVATE test_main ${arg_USES})
  add_test(NAME ${room} COMMAND ${target} --use-colour no WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
  set_tests_properties(${room} PROPERTIES TIMEOUT 900)
endfunction()

# room_bench(<name> SOURCES ... USES ...): one benchmark program, built with everything, run by hand
# or by scripts/bench.sh; never a test.
function(room_bench name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;USES")
  add_executable(${name}_bench ${arg_SOURCES})
  target_link_libraries(${name}_bench PRIVATE ${arg_USES})
endfunction()
