/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A WebSocket of events: after a good handshake, lines. One that begins with '{' goes as a text
 * message; `!` and the octets behind it go as they are, as frames that are none; `=` and what
 * follows as one frame whose first octet it gives. `~` makes something happen that is told.
 *
 * The server lives on from input to input, with a journal in memory. MUST hold: what comes back
 * is whole frames of a server, each text one JSON object; nothing is left of a client that is
 * gone.
 */
#include "cti/journal.h"
#include "fuzz_api.h"
#include <jansson.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MOST = 65536, ANSWERS = 1 << 20, LINES = 32, SOME_ROUNDS = 40 };

static char sent[MOST], heard[ANSWERS];

static const char shake[] =
    "GET /v1/stream HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
    "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: baton.v1\r\n\r\n";

/** RFC 6455 §5.2, masked with zeros. */
static void put_frame(struct out *o, unsigned first, struct str text)
{
    out_ch(o, (char)first);
    if (text.n < 126) {
        out_ch(o, (char)(0x80 | text.n));
    } else {
        out_ch(o, (char)(0x80 | 126));
        out_ch(o, (char)(text.n >> 8));
        out_ch(o, (char)text.n);
    }
    out_str(o, str_make("\0\0\0", 4));
    out_str(o, text);
}

static void happen(struct fuzz_api *f)
{
    const struct journal_fact fact = {.type = STR("org.baton.operation.v1"),
                                      .owner = STR("token:all"),
                                      .data = STR("{\"operation\":\"op_1\"}")};
    (void)engine_tell(f->engine, &fact);
}

static void say_line(struct fuzz_api *f, struct str line, struct out *o)
{
    char text[MOST / 2];
    struct out t;
    out_init(&t, text, sizeof(text));
    (void)fuzz_api_piece(f, line, &t);
    struct str what = out_str_of(&t);
    if (str_starts(line, STR("!"))) {
        out_str(o, str_from(what, 1));
    } else if (str_starts(line, STR("=")) && what.n > 1) {
        put_frame(o, (unsigned char)what.p[1], str_from(what, 2));
    } else if (str_starts(line, STR("~"))) {
        happen(f);
    } else {
        put_frame(o, 0x81, what);
    }
}

/** Frames are whole, but for the last one; texts are objects. */
static void check_frames(struct str all)
{
    while (all.n >= 2) {
        unsigned first = (unsigned char)all.p[0], len = (unsigned char)all.p[1];
        size_t head = len == 127 ? 10 : len == 126 ? 4 : 2, n = 0;
        MUST((first & 0x70) == 0 && len <= 127);
        if (all.n < head) {
            return;
        }
        for (size_t i = 2; i < head; i++) {
            n = n << 8 | (unsigned char)all.p[i];
        }
        n = head == 2 ? len : n;
        if (all.n < head + n) {
            return;
        }
        if (first == 0x81) {
            json_t *v = json_loadb(all.p + head, n, 0, NULL);
            MUST(json_is_object(v));
            json_decref(v);
        } else {
            MUST(first == 0x88 || first == 0x89 || first == 0x8a);
        }
        all = str_from(all, head + n);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct fuzz_api f;
    struct str rest = str_make((const char *)data, size);
    size_t n = 0, got = 0;
    if (f.api == NULL) {
        fuzz_api_up(&f, true);
    }
    int fd = fuzz_api_connect(&f);
    for (int i = 0; i < FUZZ_ROUNDS && n == 0; i++) {
        n = fuzz_api_say(&f, fd, i == 0 ? str_c(shake) : STR(""), heard, sizeof(heard));
    }
    MUST(str_starts(str_make(heard, n), STR("HTTP/1.1 101 ")));
    struct str begin =
        str_from(str_make(heard, n), str_find(str_make(heard, n), STR("\r\n\r\n")));
    got = begin.n > 4 ? begin.n - 4 : 0;
    memmove(heard, heard + n - got, got);
    for (int lines = 0; rest.n > 0 && lines < LINES; lines++) {
        struct out o;
        struct str line = str_upto(rest, str_index(rest, '\n'));
        rest = str_from(rest, line.n + 1);
        out_init(&o, sent, sizeof(sent));
        say_line(&f, line, &o);
        got += fuzz_api_say(&f, fd, out_str_of(&o), heard + got, sizeof(heard) - got);
    }
    for (int i = 0; i < SOME_ROUNDS; i++) { /* the journal is another thread's */
        got += fuzz_api_say(&f, fd, STR(""), heard + got, sizeof(heard) - got);
    }
    check_frames(str_make(heard, got));
    fuzz_api_leave(&f, fd);
    return 0;
}
