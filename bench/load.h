/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the load generator share.
 *
 *   load.c            options, the modes, the report
 *   load_udp.c        a socket that receives and sends in batches
 *   load_text.c       messages from moulds; the few header lines that an answer needs
 *   load_register.c   N devices register and refresh
 *   load_calls.c      calls from one end to the other through the server, or standing ones
 *   load_info.c       a CSTA session that asks as fast as it is answered
 *   load_echo.c       datagrams that come back, for the floor
 *
 * The generator has to be much cheaper than what it measures, or it measures itself. So it
 * knows the few messages that it will get, writes its own from moulds in which only sixteen hex
 * digits change, and finds the call that a message belongs to by these digits: they stand in
 * the Call-ID at the calling end, and in User-to-User and tag at the called end.
 */
#ifndef BATON_BENCH_LOAD_H
#define BATON_BENCH_LOAD_H

#include "base/out.h"
#include "base/str.h"
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/uio.h>

#define LOAD_BATCH 32
#define LOAD_OCTETS 4096
#define LOAD_VIAS 4
#define LOAD_ROUTES 2
#define LOAD_REPEAT_MS 500
/** Repetitions of one request until it counts as failed. */
#define LOAD_TRIES 8

/** One UDP socket: what came last, and what goes out together. */
struct port {
    int fd;
    uint16_t number;
    unsigned queued;
    uint64_t received, sent;
    struct mmsghdr in[LOAD_BATCH], out[LOAD_BATCH];
    struct iovec in_iov[LOAD_BATCH], out_iov[LOAD_BATCH];
    struct sockaddr_in from[LOAD_BATCH], to[LOAD_BATCH];
    char in_buf[LOAD_BATCH][LOAD_OCTETS], out_buf[LOAD_BATCH][LOAD_OCTETS];
};

struct load_run {
    struct sockaddr_in server;
    const char *ip;          /**< our own */
    const char *server_text; /**< "127.0.0.1:5060" */
    const char *domain;
    const char *device; /**< who is called, asked about, or registers first */
    const char *user, *password;
    uint32_t count, window, rate, rounds, timeout_s;
    uint32_t request_octets, reply_octets;
    bool registers; /**< the called end registers first */
    uint64_t failures, repeats_sent, repeats_received;
    bool awake;      /**< messages came the last time */
    uint64_t end_ms; /**< when to give up */
    uint32_t *waits; /**< us from each INVITE or REGISTER to its 200; `wait_room` of them fit */
    uint32_t wait_n, wait_room;
    char why[160];    /**< of the first failure */
    struct port a, b; /**< calling and called end */
};

/* ---- load.c ---- */

uint64_t load_now_ms(void);
uint64_t load_now_ns(void);
/** The answer has come to what was sent at `sent_ns`. */
void load_answered(struct load_run *l, uint64_t sent_ns);
/** Count a failure; the first one is explained in the report. */
void load_fail(struct load_run *l, const char *what, struct str detail);
/** Send what is queued and wait for either port, at most `ms`. @return false: time is up */
bool load_wait(struct load_run *l, int ms);
/** How many may have been started by now, by --rate. */
uint64_t load_allowed(const struct load_run *l, uint64_t begin_ms);

/* ---- load_udp.c ---- */

/** Exits with a message when the address is taken. */
void port_open(struct port *p, const char *ip, uint16_t number);
/** Room of LOAD_OCTETS for the next message; then port_send. */
char *port_room(struct port *p);
void port_send(struct port *p, size_t n, const struct sockaddr_in *to);
void port_flush(struct port *p);
/** @return how many messages came, 0: none is there */
unsigned port_receive(struct port *p);

static inline struct str port_message(const struct port *p, unsigned i)
{
    return str_make(p->in_buf[i], p->in[i].msg_len);
}

/* ---- load_text.c ---- */

/** A text in which each run of sixteen '#' stands for the digits of the call. */
struct mould {
    char text[2048];
    uint32_t n;
    uint32_t at[12];
    uint32_t places;
};

/** Exits when the text does not fit. */
void mould_make(struct mould *m, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/** @return where it ends; needs m->n octets */
char *mould_pour(const struct mould *m, char *to, uint64_t id);

static inline char *put(char *to, struct str s)
{
    memcpy(to, s.p, s.n);
    return to + s.n;
}

void hex16_write(char *to, uint64_t id);
bool hex16_read(struct str s, uint64_t *id);

/** The lines that matter, each with its CRLF; absent ones are not set. */
struct seen {
    struct str record_route[LOAD_ROUTES];
    struct str start, via[LOAD_VIAS], from, to, call_id, cseq, contact, uui, body;
    unsigned vias, record_routes;
    unsigned status; /**< 0: a request */
    uint32_t cseq_number;
    char method; /**< first letter of the method, of CSeq's for an answer */
};

/** @return false: no message that we can use */
bool seen_read(struct seen *s, struct str msg);
/** The value of a line: behind the colon, without white space around. */
struct str seen_value(struct str line);
/** What stands in the angle brackets of a Contact line, absent: none. */
struct str seen_uri(struct str line);
/**
 * The answer to a request: start line, its Via, Record-Route, From, To (with a tag of ours when
 * it has none), Call-ID and CSeq, then `rest`, which ends the head.
 * @return octets written to `to`
 */
size_t seen_answer(const struct seen *s, struct str status, struct str tag, struct str rest,
                   char *to);

/* ---- the modes: 0 when everything went well ---- */

int load_register(struct load_run *l);
/** Registers one device at port b; used by the others too. */
bool register_one(struct load_run *l, uint32_t number, uint32_t cseq);
enum load_calls_kind { LOAD_CALLS, LOAD_HOLD, LOAD_REDIRECT };
int load_calls(struct load_run *l, enum load_calls_kind kind);
int load_info(struct load_run *l);
int load_echo(struct load_run *l);

#endif
