/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The proxy alone, on the network layer: what a proxied call costs before anybody decides about
 * it.
 *
 *     net_proxy PORT TARGET_PORT      every request goes to 127.0.0.1:TARGET_PORT
 */
#include "cpu.h"
#include "net/net.h"
#include "proxy/proxy.h"
#include <stdlib.h>
#include <uv.h>

static struct {
    struct net *net;
    struct wheel wheel;
    struct txn_layer txn;
    struct proxy proxy;
    struct arena scratch;
    struct proxy_target target;
    struct proxy_plan plan;
    char uri[64];
    struct sip_hdr hdr[SIP_HDR_MAX];
} s;

static void on_request(const struct sip_msg *m, const struct hop *from, uint64_t now_ms)
{
    struct txn *t = NULL;
    switch (txn_on_request(&s.txn, m, from, now_ms, &t)) {
    case TXN_IN_ABSORBED:
    case TXN_IN_MERGED:
        break;
    case TXN_IN_CANCEL:
        (void)proxy_on_cancel(&s.proxy, t, m, from, now_ms);
        break;
    case TXN_IN_ACK:
        (void)proxy_on_request(&s.proxy, m, from, now_ms);
        break;
    case TXN_IN_NEW:
        if (str_is_set(sip_msg_tag(m, SIP_HDR_TO))) {
            (void)proxy_on_request(&s.proxy, m, from, now_ms);
        } else {
            proxy_forward(&s.proxy, m, from, &s.plan, now_ms);
        }
        break;
    }
}

static void run_timers(uint64_t now_ms)
{
    if (wheel_next(&s.wheel) <= now_ms || s.wheel.now_ms < now_ms) {
        (void)wheel_advance(&s.wheel, now_ms);
    }
}

static void on_input(void *ctx, const struct hop *from, struct str bytes, bool datagram,
                     uint64_t now_ms)
{
    struct sip_msg m = {.hdr = s.hdr};
    struct sip_fault fault = {0};
    (void)ctx;
    run_timers(now_ms);
    if (sip_msg_index(&m, bytes, datagram, &sip_limits_default, &fault) == 0 &&
        sip_msg_check(&m, &sip_limits_default, &fault) == 0) {
        if (sip_is_request(&m)) {
            on_request(&m, from, now_ms);
        } else {
            (void)txn_on_response(&s.txn, &m, from, now_ms);
        }
    }
    arena_reset(&s.scratch);
}

static void on_tick(void *ctx, uint64_t now_ms)
{
    (void)ctx;
    run_timers(now_ms);
    arena_reset(&s.scratch);
}

static uint64_t deadline(void *ctx)
{
    (void)ctx;
    return wheel_next(&s.wheel);
}

static void on_signal(uv_signal_t *signal, int number)
{
    (void)signal;
    (void)number;
    net_stop(s.net);
}

int main(int argc, char **argv)
{
    struct net_config config = {
        .handler = {.input = on_input, .tick = on_tick, .deadline = deadline}};
    struct addr at = {.ip = {127, 0, 0, 1}, .family = ADDR_IP4};
    if (argc != 3) {
        fprintf(stderr, "usage: net_proxy PORT TARGET_PORT\n");
        return 2;
    }
    at.port = (uint16_t)strtoul(argv[1], NULL, 10);
    s.net = net_new(&config);
    if (s.net == NULL || net_listen(s.net, TP_UDP, &at, NULL) != 0) {
        fprintf(stderr, "net_proxy: cannot listen\n");
        return 1;
    }
    const struct env *env = net_env(s.net);
    wheel_init(&s.wheel, 0);
    arena_init(&s.scratch, &env->mem, 32768);
    (void)snprintf(s.uri, sizeof(s.uri), "sip:1002@127.0.0.1:%s", argv[2]);
    s.target = (struct proxy_target){.request_uri = str_c(s.uri)};
    s.plan = (struct proxy_plan){.target = &s.target, .count = 1, .record_route = true};
    if (txn_layer_init(&s.txn, env, &s.wheel, NULL, 1000000) != 0 ||
        proxy_init(&s.proxy, env, &s.wheel, &s.txn, NULL, &s.scratch,
                   &(struct proxy_config){.max_forks = 1000000}) != 0) {
        return 1;
    }
    uv_signal_t signal;
    uv_signal_init(net_loop(s.net), &signal);
    uv_signal_start(&signal, on_signal, SIGTERM);
    net_run(s.net);
    struct net_stats stats;
    net_stats(s.net, &stats);
    cpu_report("net_proxy", stats.udp_received);
    uv_close((uv_handle_t *)&signal, NULL);
    proxy_fini(&s.proxy);
    txn_layer_fini(&s.txn);
    arena_fini(&s.scratch);
    net_free(s.net);
    return 0;
}
