# Tests of the library's parts: programs that say that all is as it should be. They are built with what SANITIZE and SANITIZE_THREADS
# say; those of PARTS_TESTS against `soft`: the library's own objects, since most of what they test is not exported.
foreach(TARGET ${PARTS_TESTS})
  add_executable(${TARGET} test/${TARGET}.cc)
  target_link_libraries(${TARGET} PRIVATE soft)
endforeach()

# Without DPDK, and without the devices of a mapping file.
foreach(RELEASE ${ARGP_RELEASES})
  configure_version(${RELEASE} argp-${RELEASE}.include)
  add_executable(argp-${RELEASE} test/argp.cc test/argp_inputs.cc ${ARGP_SOURCES} src/log.cc src/error.cc)
  target_compile_features(argp-${RELEASE} PRIVATE cxx_std_17)
  target_include_directories(argp-${RELEASE} PRIVATE ${CMAKE_CURRENT_BINARY_DIR}/argp-${RELEASE}.include include)
  target_compile_definitions(argp-${RELEASE} PRIVATE DOCA_ALLOW_EXPERIMENTAL_API)
  target_compile_options(argp-${RELEASE} PRIVATE ${SANITIZE} -Wall -Wextra -Werror)
  target_link_options(argp-${RELEASE} PRIVATE ${SANITIZE})
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
target_compile_options(threads PRIVATE -O1 -g -Wall -Wextra -Werror -Wno-unused-function ${SANITIZE_THREADS})
target_link_options(threads PRIVATE ${SANITIZE_THREADS})
target_link_libraries(threads PRIVATE OpenSSL::Crypto Threads::Threads)

# AES-GCM alone.
add_executable(vectors test/vectors.cc src/aead.cc)
target_compile_features(vectors PRIVATE cxx_std_17)
target_compile_options(vectors PRIVATE ${SANITIZE} -Wall -Wextra -Werror)
target_link_options(vectors PRIVATE ${SANITIZE})
target_link_libraries(vectors PRIVATE OpenSSL::Crypto)
if(IPSEC_MB)
  target_compile_definitions(vectors PRIVATE SOFT_HAVE_IPSEC_MB)
  target_link_libraries(vectors PRIVATE ${IPSEC_MB})
endif()
