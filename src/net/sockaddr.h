/* SPDX-License-Identifier: Apache-2.0 */
/* struct addr to the kernel's addresses and back; error numbers of libuv to ours. */
#ifndef BATON_NET_SOCKADDR_H
#define BATON_NET_SOCKADDR_H

#include "base/addr.h"
#include <netinet/in.h>
#include <sys/socket.h>

/** An address of either family, as the kernel has it. */
union net_sockaddr {
    struct sockaddr sa;
    struct sockaddr_in in4;
    struct sockaddr_in6 in6;
};

/** @return its length; 0 for ADDR_NONE */
socklen_t sockaddr_of(const struct addr *a, union net_sockaddr *out);

/** @return false when it is of another family */
bool sockaddr_read(const struct sockaddr *sa, struct addr *out);

/** 0.0.0.0 or :: */
bool addr_is_any(const struct addr *a);

/** @param uv  a negative libuv (errno) value. @return an enum err */
int net_err(int uv);

#endif
