# Fuzz targets and unit tests under sanitizers: -DDOCA_SOFT_ROBUSTNESS=ON -DCMAKE_CXX_COMPILER=clang++
if(NOT CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  message(FATAL_ERROR "libFuzzer comes with clang: say -DCMAKE_CXX_COMPILER=clang++")
endif()

# Here each source is compiled by itself, so that one that lacks an include is noticed.
set(CMAKE_UNITY_BUILD OFF)

add_library(soft OBJECT ${SOURCES} ${TRACED})
target_compile_features(soft PUBLIC cxx_std_17)
target_include_directories(soft PUBLIC include ${CMAKE_CURRENT_BINARY_DIR}/include)
target_compile_definitions(soft PUBLIC DOCA_ALLOW_EXPERIMENTAL_API ALLOW_EXPERIMENTAL_API)
target_compile_options(soft PUBLIC ${SANITIZE} -Wall -Wextra -Werror -Wno-invalid-offsetof)
target_compile_options(soft PRIVATE ${UNTRACED_NAMES} -fsanitize=fuzzer-no-link)
target_link_options(soft INTERFACE -fsanitize=address,undefined)
target_link_libraries(soft PUBLIC PkgConfig::DPDK ${NET_RING} OpenSSL::Crypto Threads::Threads ${CMAKE_DL_LIBS})
target_compile_definitions(soft PUBLIC SOFT_DEFECTS)
if(IPSEC_MB)
  target_compile_definitions(soft PRIVATE SOFT_HAVE_IPSEC_MB)
  target_link_libraries(soft PUBLIC ${IPSEC_MB})
endif()

foreach(TARGET fuzz_parser fuzz_decrypt fuzz_entries)
  add_executable(${TARGET} fuzz/${TARGET}.cc)
  target_compile_options(${TARGET} PRIVATE -fsanitize=fuzzer)
  target_link_options(${TARGET} PRIVATE -fsanitize=fuzzer)
  target_link_libraries(${TARGET} PRIVATE soft)
endforeach()

set(PARTS_TESTS units packets meters api behaviours actions definitions layers modes forwards)
add_executable(trace test/trace.cc)
target_link_libraries(trace PRIVATE soft)

# What the native ports do for network cards, built here since it is the folder of what sanitizers look at.
add_executable(offloads ../test/offloads.cc ../ports/src/offloads.cc)
target_compile_features(offloads PRIVATE cxx_std_20)
target_compile_options(offloads PRIVATE ${SANITIZE} -Wall -Wextra -Werror)
target_link_options(offloads PRIVATE ${SANITIZE})

# Flags, in the releases between which they differ.
set(ARGP_RELEASES 3.0 3.1 3.3)
set(SANITIZE_THREADS -fsanitize=thread)
include(tests.cmake)
