/*
 * common/address.h - the text of a socket's address: "127.0.0.1:9000", "[::1]:9000", "9000".
 * Names are not looked up: that may take seconds.  Must not know sockets.
 */
#ifndef MR_COMMON_ADDRESS_H
#define MR_COMMON_ADDRESS_H

#include <sys/socket.h>

#include "common/text.h"

typedef struct MrAddress {
    struct sockaddr_storage socket;
    socklen_t length;
} MrAddress;

/* Numbers of either family, or "localhost", which is 127.0.0.1; false: it is neither. */
bool mr_address_make(MrString host, uint16_t port, MrAddress *out);
/* 1 to 65535. */
bool mr_port_parse(MrString text, uint16_t *out);
/* "host:port", or a port alone (":9000" too), which is of 127.0.0.1. */
bool mr_address_parse(MrString text, MrAddress *out);

#endif
