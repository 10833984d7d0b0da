# Fuzz targets and unit tests under sanitizers: -DDOCA_SOFT_ROBUSTNESS=ON -DCMAKE_CXX_COMPILER=clang++
if(NOT CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  message(FATAL_ERROR "libFuzzer comes with clang: say -DCMAKE_CXX_COMPILER=clang++")
endif()

# Here each source is compiled by itself, so that one that lacks an include is noticed.
set(CMAKE_UNITY_BUILD OFF)

add_library(soft OBJECT ${SOURCES})
target_compile_features(soft PUBLIC cxx_std_17)
target_include_directories(soft PUBLIC include ${CMAKE_CURRENT_BINARY_DIR}/include)
target_compile_definitions(soft PUBLIC DOCA_ALLOW_EXPERIMENTAL_API ALLOW_EXPERIMENTAL_API)
target_compile_options(soft PUBLIC ${SANITIZE} -Wall -Wextra -Werror -Wno-invalid-offsetof)
target_compile_options(soft PRIVATE -fsanitize=fuzzer-no-link)
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

foreach(TARGET units meters api behaviours actions definitions layers modes forwards)
  add_executable(${TARGET} test/${TARGET}.cc)
  target_link_libraries(${TARGET} PRIVATE soft)
endforeach()

# Flags, in the releases between which they differ; without DPDK, and without the devices of a mapping file.
foreach(RELEASE 3.0 3.1 3.3)
  configure_version(${RELEASE} argp-${RELEASE}.include)
  add_executable(argp-${RELEASE} test/argp.cc test/argp_inputs.cc ${ARGP_SOURCES} src/log.cc src/error.cc)
  target_compile_features(argp-${RELEASE} PRIVATE cxx_std_17)
  target_include_directories(argp-${RELEASE} PRIVATE ${CMAKE_CURRENT_BINARY_DIR}/argp-${RELEASE}.include include)
  target_compile_definitions(argp-${RELEASE} PRIVATE DOCA_ALLOW_EXPERIMENTAL_API)
  target_compile_options(argp-${RELEASE} PRIVATE ${SANITIZE} -Wall -Wextra -Werror)
  target_link_options(argp-${RELEASE} PRIVATE -fsanitize=address,undefined)
  target_link_libraries(argp-${RELEASE} PRIVATE PkgConfig::JSON_C)
  # One release shows that each source stands by itself.
  if(NOT RELEASE STREQUAL 3.3)
    set_target_properties(argp-${RELEASE} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 0)
  endif()
endforeach()
set_source_files_properties(test/argp.cc test/argp_inputs.cc PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)

# Rings and key slots, without DPDK, which ThreadSanitizer does not understand.
add_executable(threads test/units.cc src/keys.cc src/aead.cc src/random_source.cc)
target_compile_features(threads PRIVATE cxx_std_17)
target_compile_definitions(threads PRIVATE ONLY_THREADS)
target_compile_options(threads PRIVATE -O1 -g -Wall -Wextra -Werror -Wno-unused-function -fsanitize=thread)
target_link_options(threads PRIVATE -fsanitize=thread)
target_link_libraries(threads PRIVATE OpenSSL::Crypto Threads::Threads)

# AES-GCM alone.
add_executable(vectors test/vectors.cc src/aead.cc)
target_compile_features(vectors PRIVATE cxx_std_17)
target_compile_options(vectors PRIVATE ${SANITIZE} -Wall -Wextra -Werror)
target_link_options(vectors PRIVATE -fsanitize=address,undefined)
target_link_libraries(vectors PRIVATE OpenSSL::Crypto)
if(IPSEC_MB)
  target_compile_definitions(vectors PRIVATE SOFT_HAVE_IPSEC_MB)
  target_link_libraries(vectors PRIVATE ${IPSEC_MB})
endif()
