/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses and error numbers at the border to the kernel. */
#include "net/sockaddr.h"
#include "base/err.h"
#include <string.h>
#include <uv.h>

socklen_t sockaddr_of(const struct addr *a, union net_sockaddr *out)
{
    memset(out, 0, sizeof(*out));
    if (a->family == ADDR_IP4) {
        out->in4.sin_family = AF_INET;
        out->in4.sin_port = htons(a->port);
        memcpy(&out->in4.sin_addr, a->ip, 4);
        return sizeof(out->in4);
    }
    if (a->family == ADDR_IP6) {
        out->in6.sin6_family = AF_INET6;
        out->in6.sin6_port = htons(a->port);
        memcpy(&out->in6.sin6_addr, a->ip, 16);
        return sizeof(out->in6);
    }
    return 0;
}

bool sockaddr_read(const struct sockaddr *sa, struct addr *out)
{
    memset(out, 0, sizeof(*out));
    if (sa->sa_family == AF_INET) {
        struct sockaddr_in in4;
        memcpy(&in4, sa, sizeof(in4));
        out->family = ADDR_IP4;
        out->port = ntohs(in4.sin_port);
        memcpy(out->ip, &in4.sin_addr, 4);
        return true;
    }
    if (sa->sa_family == AF_INET6) {
        struct sockaddr_in6 in6;
        memcpy(&in6, sa, sizeof(in6));
        out->family = ADDR_IP6;
        out->port = ntohs(in6.sin6_port);
        memcpy(out->ip, &in6.sin6_addr, 16);
        return true;
    }
    return false;
}

bool addr_is_any(const struct addr *a)
{
    static const uint8_t zero[16];
    return memcmp(a->ip, zero, a->family == ADDR_IP4 ? 4 : 16) == 0;
}

int net_err(int uv)
{
    switch (uv) {
    case UV_EADDRINUSE:
        return E_EXISTS;
    case UV_EACCES:
    case UV_EPERM:
        return E_DENIED;
    case UV_EADDRNOTAVAIL:
        return E_NOTFOUND;
    case UV_EAFNOSUPPORT:
    case UV_EPROTONOSUPPORT:
    case UV_EINVAL:
        return E_UNSUPPORTED;
    case UV_EMFILE:
    case UV_ENFILE:
        return E_TOOMANY;
    case UV_ENOMEM:
    case UV_ENOBUFS:
        return E_NOMEM;
    case UV_EMSGSIZE:
        return E_TOOBIG;
    default:
        return uv < 0 ? E_IO : 0;
    }
}
