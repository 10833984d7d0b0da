/* Byte order. */
#ifndef DOCA_BITFIELD_H_
#define DOCA_BITFIELD_H_

#include <arpa/inet.h>
#include <endian.h>

#define DOCA_HTOBE16(v) htobe16(v)
#define DOCA_HTOBE32(v) htobe32(v)
#define DOCA_HTOBE64(v) htobe64(v)
#define DOCA_BETOH16(v) be16toh(v)
#define DOCA_BETOH32(v) be32toh(v)
#define DOCA_BETOH64(v) be64toh(v)

#endif
