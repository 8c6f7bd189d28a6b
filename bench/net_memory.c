/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a connection costs in memory while it stands and is silent: TCP, TLS, WebSocket, both.
 *
 *     net_memory [CONNECTIONS]
 *
 * For each transport a process of its own holds the network layer and lets N clients in, which
 * are another process. Each sends one message and gets it back, so that every buffer has been
 * used once; then the loop has nothing to do, and what malloc has given out more than before
 * the first client is divided by N. "net-tls-kib 25.4": KiB per connection. What the kernel
 * holds for a socket is not in it.
 */
#include "net/net.h"
#include "net/sockaddr.h"
#include <malloc.h>
#include <netinet/tcp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define MESSAGE                                                                         \
    "OPTIONS sip:example.com SIP/2.0\r\nVia: SIP/2.0/TCP a.invalid;branch=z9hG4bK1\r\n" \
    "From: <sip:a@example.com>;tag=1\r\nTo: <sip:example.com>\r\nCall-ID: bench\r\n"    \
    "CSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
#define UPGRADE                                                                    \
    "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"   \
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n" \
    "Sec-WebSocket-Protocol: sip\r\n\r\n"

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

/* ---- the server ---- */

struct server {
    struct net *net;
    size_t heard, ended;
};

static void on_input(void *ctx, const struct hop *from, struct str bytes, bool datagram,
                     uint64_t now_ms)
{
    struct server *s = ctx;
    const struct env *env = net_env(s->net);
    (void)datagram;
    (void)now_ms;
    s->heard++;
    (void)env->send(env->ctx, from, &bytes, 1);
}

static void on_closed(void *ctx, uint32_t flow, uint64_t now_ms)
{
    (void)flow;
    (void)now_ms;
    ((struct server *)ctx)->ended++;
}

/** A key and a certificate that signed itself, in two files of the folder. */
static void make_certificate(const char *cert_file, const char *key_file)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *x = X509_new();
    (void)X509_gmtime_adj(X509_getm_notBefore(x), -60);
    (void)X509_gmtime_adj(X509_getm_notAfter(x), 3600);
    (void)X509_set_pubkey(x, key);
    (void)X509_sign(x, key, EVP_sha256());
    FILE *c = fopen(cert_file, "w"), *k = fopen(key_file, "w");
    if (c == NULL || k == NULL || PEM_write_X509(c, x) != 1 ||
        PEM_write_PrivateKey(k, key, NULL, NULL, 0, NULL, NULL) != 1) {
        fail(cert_file);
    }
    (void)fclose(c);
    (void)fclose(k);
    X509_free(x);
    EVP_PKEY_free(key);
}

static void load_certificate(struct net *n)
{
    char dir[] = "/tmp/baton-XXXXXX", cert[64], key[64], why[256];
    if (mkdtemp(dir) == NULL) {
        fail("mkdtemp");
    }
    (void)snprintf(cert, sizeof(cert), "%s/cert", dir);
    (void)snprintf(key, sizeof(key), "%s/key", dir);
    make_certificate(cert, key);
    struct net_tls_cert one = {.cert_file = cert, .key_file = key};
    struct net_tls tls = {.cert = &one, .cert_count = 1};
    int err = net_tls_load(n, &tls, why, sizeof(why));
    (void)unlink(cert);
    (void)unlink(key);
    (void)rmdir(dir);
    if (err != 0) {
        fprintf(stderr, "net_memory: %s\n", why);
        exit(1);
    }
}

static double heap_kib(void)
{
    struct mallinfo2 m = mallinfo2();
    return (double)(m.uordblks + m.hblkhd) / 1024;
}

/* ---- the clients, which block ---- */

static void say(int fd, SSL *ssl, const char *p, size_t n)
{
    if (ssl != NULL ? SSL_write(ssl, p, (int)n) != (int)n : send(fd, p, n, 0) != (ssize_t)n) {
        fail("send");
    }
}

/** Octets until `n` have come. */
static void hear(int fd, SSL *ssl, size_t n)
{
    char buf[4096];
    while (n > 0) {
        size_t want = n < sizeof(buf) ? n : sizeof(buf);
        ssize_t got = ssl != NULL ? SSL_read(ssl, buf, (int)want) : recv(fd, buf, want, 0);
        if (got <= 0) {
            fail("recv");
        }
        n -= (size_t)got;
    }
}

static void hear_head(int fd, SSL *ssl)
{
    char last[4] = "";
    while (memcmp(last, "\r\n\r\n", 4) != 0) {
        char c;
        if ((ssl != NULL ? SSL_read(ssl, &c, 1) : recv(fd, &c, 1, 0)) != 1) {
            fail("recv");
        }
        memmove(last, last + 1, 3);
        last[3] = c;
    }
}

static void one_client(const struct addr *at, enum transport t, SSL_CTX *ctx)
{
    union net_sockaddr sa;
    static const char mask[4];
    size_t n = sizeof(MESSAGE) - 1;
    SSL *ssl = NULL;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || connect(fd, &sa.sa, sockaddr_of(at, &sa)) != 0) {
        fail("connect");
    }
    int on = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (t == TP_TLS || t == TP_WSS) {
        ssl = SSL_new(ctx);
        if (SSL_set_fd(ssl, fd) != 1 || SSL_connect(ssl) != 1) {
            fail("TLS");
        }
    }
    if (t == TP_WS || t == TP_WSS) {
        const unsigned char head[] = {0x81, 0xFE, (unsigned char)(n >> 8), (unsigned char)n};
        say(fd, ssl, UPGRADE, sizeof(UPGRADE) - 1);
        hear_head(fd, ssl);
        say(fd, ssl, (const char *)head, sizeof(head));
        say(fd, ssl, mask, sizeof(mask));
        n += 4; /* the head of the frame that comes back */
    }
    say(fd, ssl, MESSAGE, sizeof(MESSAGE) - 1);
    hear(fd, ssl, n);
}

static void clients(const struct addr *at, enum transport t, size_t count)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    for (size_t i = 0; i < count; i++) {
        one_client(at, t, ctx);
    }
    (void)pause(); /* until the measurement is over */
}

/* ---- measuring ---- */

static void measure(enum transport t, const char *name, size_t count)
{
    struct server s = {0};
    struct net_config config = {
        .handler = {.ctx = &s, .input = on_input, .flow_closed = on_closed},
        .max_connections = (uint32_t)count + 10,
        .max_per_address = (uint32_t)count + 10};
    struct addr at = {.ip = {127, 0, 0, 1}, .family = ADDR_IP4};
    s.net = net_new(&config);
    if (s.net == NULL) {
        fail("net_new");
    }
    load_certificate(s.net);
    if (net_listen(s.net, t, &at, &at) != 0) {
        fail("net_listen");
    }
    pid_t first = fork(), pid;
    if (first == 0) { /* one that comes before all: what is made once for all is made then */
        clients(&at, t, 1);
    }
    while (s.heard < 1) {
        net_turn(s.net, true);
    }
    net_turn(s.net, false);
    double before = heap_kib();
    pid = fork();
    if (pid == 0) {
        clients(&at, t, count);
    }
    while (s.heard < count + 1 && s.ended == 0) {
        net_turn(s.net, true);
    }
    net_turn(s.net, false);
    printf("net-%s-kib %.2f\n", name, (heap_kib() - before) / (double)count);
    (void)kill(pid, SIGKILL);
    (void)kill(first, SIGKILL);
    (void)waitpid(pid, NULL, 0);
    (void)waitpid(first, NULL, 0);
    if (s.ended > 0) {
        fprintf(stderr, "net_memory: connections were lost\n");
        exit(1);
    }
    net_free(s.net);
}

int main(int argc, char **argv)
{
    static const struct {
        enum transport transport;
        const char *name;
    } table[] = {{TP_TCP, "tcp"}, {TP_TLS, "tls"}, {TP_WS, "ws"}, {TP_WSS, "wss"}};
    size_t count = argc > 1 ? strtoul(argv[1], NULL, 10) : 1000;
    struct rlimit files;
    (void)signal(SIGPIPE, SIG_IGN);
    if (count == 0 || getrlimit(RLIMIT_NOFILE, &files) != 0) {
        fprintf(stderr, "usage: net_memory [CONNECTIONS]\n");
        return 2;
    }
    files.rlim_cur = files.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &files);
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        (void)fflush(stdout);
        pid_t pid = fork();
        int status = 1;
        if (pid == 0) {
            measure(table[i].transport, table[i].name, count);
            return 0;
        }
        if (waitpid(pid, &status, 0) != pid || status != 0) {
            return 1;
        }
    }
    return 0;
}
