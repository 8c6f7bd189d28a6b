/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A UDP echo through the network layer: what it costs above the floor.
 *
 *     net_echo PORT
 */
#include "cpu.h"
#include "net/net.h"
#include <stdlib.h>
#include <uv.h>

struct echo {
    struct net *net;
    const struct env *env;
};

static void on_input(void *ctx, const struct hop *from, struct str bytes, bool datagram,
                     uint64_t now_ms)
{
    struct echo *e = ctx;
    (void)datagram;
    (void)now_ms;
    (void)e->env->send(e->env->ctx, from, &bytes, 1);
}

static void on_signal(uv_signal_t *s, int number)
{
    struct echo *e = s->data;
    (void)number;
    net_stop(e->net);
}

int main(int argc, char **argv)
{
    struct echo e;
    struct net_config config = {.handler = {.ctx = &e, .input = on_input}};
    struct addr at = {.ip = {127, 0, 0, 1}, .family = ADDR_IP4};
    if (argc != 2) {
        fprintf(stderr, "usage: net_echo PORT\n");
        return 2;
    }
    at.port = (uint16_t)strtoul(argv[1], NULL, 10);
    e.net = net_new(&config);
    if (e.net == NULL || net_listen(e.net, TP_UDP, &at, NULL) != 0) {
        fprintf(stderr, "net_echo: cannot listen\n");
        return 1;
    }
    e.env = net_env(e.net);
    uv_signal_t signal;
    uv_signal_init(net_loop(e.net), &signal);
    signal.data = &e;
    uv_signal_start(&signal, on_signal, SIGTERM);
    net_run(e.net);
    struct net_stats s;
    net_stats(e.net, &s);
    cpu_report("net_echo", s.udp_received);
    uv_close((uv_handle_t *)&signal, NULL);
    net_free(e.net);
    return 0;
}
