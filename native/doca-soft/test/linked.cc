/* The same as C++. */
#include "linked.c"
