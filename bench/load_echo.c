/* SPDX-License-Identifier: Apache-2.0 */
/* Datagrams of one size that come back in another: the load of floor_udp. */
#include "load.h"

int load_echo(struct load_run *l)
{
    uint64_t sent = 0, back = 0;
    while (back < l->count) {
        while (sent < l->count && sent - back < l->window) {
            char *room = port_room(&l->a);
            memset(room, 'x', l->request_octets);
            port_send(&l->a, l->request_octets, &l->server);
            sent++;
        }
        if (!load_wait(l, 100)) {
            load_fail(l, "datagrams were lost", STR_NONE);
            break;
        }
        for (unsigned n; (n = port_receive(&l->a)) > 0; back += n) {
            for (unsigned i = 0; i < n; i++) {
                if (l->a.in[i].msg_len != l->reply_octets) {
                    load_fail(l, "a reply has another size", STR_NONE);
                }
            }
        }
    }
    return l->failures > 0;
}
