/*
 * common/address.c - see address.h.
 */
#include "common/address.h"

#include <arpa/inet.h>
#include <string.h>

bool mr_address_make(MrString host, uint16_t port, MrAddress *out)
{
    char text[INET6_ADDRSTRLEN];
    struct sockaddr_in *four = (struct sockaddr_in *)(void *)&out->socket;
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)(void *)&out->socket;
    *out = (MrAddress){ .length = 0 };
    if (mr_string_equal_nocase(host, MR_STRING("localhost"))) {
        host = MR_STRING("127.0.0.1");
    }
    if (host.length == 0 || host.length >= sizeof text) {
        return false;
    }
    memcpy(text, host.data, host.length);
    text[host.length] = '\0';
    if (inet_pton(AF_INET, text, &four->sin_addr) == 1) {
        four->sin_family = AF_INET;
        four->sin_port = htons(port);
        out->length = sizeof *four;
    } else if (inet_pton(AF_INET6, text, &six->sin6_addr) == 1) {
        six->sin6_family = AF_INET6;
        six->sin6_port = htons(port);
        out->length = sizeof *six;
    }
    return out->length > 0;
}

bool mr_port_parse(MrString text, uint16_t *out)
{
    uint32_t port = 0;
    for (size_t i = 0; i < text.length; i++) {
        if (text.data[i] < '0' || text.data[i] > '9' || port > UINT16_MAX) {
            return false;
        }
        port = port * 10 + (uint32_t)(text.data[i] - '0');
    }
    *out = (uint16_t)port;
    return port > 0 && port <= UINT16_MAX;
}

bool mr_address_parse(MrString text, MrAddress *out)
{
    MrString host = MR_STRING("localhost"), number = text;
    const char *colon = text.length == 0 ? NULL : memrchr(text.data, ':', text.length);
    uint16_t port;
    if (colon != NULL) {
        size_t before = (size_t)(colon - text.data);
        number = (MrString){ colon + 1, text.length - before - 1 };
        if (before > 2 && text.data[0] == '[' && colon[-1] == ']') {
            host = (MrString){ text.data + 1, before - 2 };
        } else if (before > 0) {
            host = (MrString){ text.data, before };
            if (memchr(host.data, ':', host.length) != NULL) {
                return false; /* of the longer family, which has brackets here */
            }
        }
    }
    return mr_port_parse(number, &port) && mr_address_make(host, port, out);
}
