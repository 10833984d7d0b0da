# For CMake: compilers and libraries of arm64, on a machine of another kind. `psp-gateway build-native --arch arm64` says in
# PSP_GATEWAY_SYSROOT which folder has the libraries (src/native-build/sysroot.ts).
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
# CMake reads this file anew, without the variables of its command line, when it tries the compilers.
set(CMAKE_TRY_COMPILE_PLATFORM_VARIABLES PSP_GATEWAY_SYSROOT)
set(CMAKE_SYSROOT ${PSP_GATEWAY_SYSROOT})
# Programs are this machine's; what is compiled in or linked is not.
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
