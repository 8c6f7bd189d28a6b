/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One direction of a captured TCP connection, for uui_frames.h: segments in their order, and
 * the messages in them.
 *
 * A segment that comes early is held; when FRAMES_HELD are held, what is missing was lost by
 * the capture, and the stream goes on at the earliest that is there. After that, and when a
 * stream is met in its midst, everything up to a line that begins a message is thrown away.
 */
#include "base/err.h"
#include "lint/frames.h"
#include <stdlib.h>

/** A line of a stream that is lost, and longer than any start line. */
enum { LINE_MAX_LOST = 65536 };

struct segment {
    uint32_t seq;
    size_t n;
    char *bytes;
};

struct stream {
    struct addr from, to;
    uint64_t turn;
    uint32_t next;
    bool lost; /**< not at the beginning of a message */
    struct segment held[FRAMES_HELD];
    size_t held_n;
    struct sip_framer framer;
    char *buf;
    size_t n;
};

static void forget_held(struct stream *s)
{
    for (size_t i = 0; i < s->held_n; i++) {
        free(s->held[i].bytes);
    }
    s->held_n = 0;
}

static void stream_fini(struct stream *s)
{
    if (s != NULL) {
        forget_held(s);
        free(s->buf);
        s->buf = NULL;
    }
}

static void lose_track(struct frames *f, struct stream *s)
{
    f->holes++;
    s->lost = true;
    sip_framer_init(&s->framer);
}

static void begin(struct stream *s, const struct frame *in)
{
    char *buf = s->buf;
    forget_held(s);
    *s = (struct stream){.from = in->from,
                         .to = in->to,
                         .next = in->seq + (in->syn ? 1 : 0),
                         .lost = !in->syn,
                         .buf = buf};
    sip_framer_init(&s->framer);
}

static struct stream *find(struct frames *f, const struct frame *in)
{
    struct stream **oldest = &f->stream[0];
    for (size_t i = 0; i < FRAMES_STREAMS; i++) {
        struct stream **s = &f->stream[i];
        if (*s != NULL && addr_eq(&(*s)->from, &in->from) && addr_eq(&(*s)->to, &in->to)) {
            if (in->syn) {
                begin(*s, in);
            }
            return *s;
        }
        if (*oldest != NULL && (*s == NULL || (*s)->turn < (*oldest)->turn)) {
            oldest = s;
        }
    }
    if (*oldest == NULL) {
        *oldest = calloc(1, sizeof(**oldest));
    }
    if (*oldest != NULL && (*oldest)->buf == NULL) {
        (*oldest)->buf = malloc(FRAMES_BUFFER);
    }
    if (*oldest == NULL || (*oldest)->buf == NULL) {
        return NULL;
    }
    begin(*oldest, in);
    return *oldest;
}

/* ---- messages ---- */

static void drop_front(struct stream *s, size_t n)
{
    memmove(s->buf, s->buf + n, s->n - n);
    s->n -= n;
}

/** Throw away what comes before a line that begins a message. */
static void find_track(struct stream *s)
{
    struct str rest = str_make(s->buf, s->n);
    size_t at = 0;
    while (at < s->n) {
        size_t end = str_index(str_from(rest, at), '\n');
        if (at + end == s->n) {
            break; /* the line may go on */
        }
        struct str line = str_trim(str_make(s->buf + at, end));
        size_t start = frames_find_start(line);
        if (start < line.n) { /* a body may end without a line end before it */
            at = (size_t)(line.p - s->buf) + start;
            s->lost = false;
            break;
        }
        at += end + 1;
    }
    drop_front(s, at);
    if (s->lost && s->n > LINE_MAX_LOST) {
        s->n = 0;
    }
}

static void take_messages(struct frames *f, struct stream *s)
{
    static const struct sip_limits limits = {
        .message = FRAMES_BUFFER - 4096, .headers = 1024, .uri = 65535};
    while (s->n > 0) {
        struct sip_fault fault;
        struct str msg = STR_NONE;
        size_t used = 0;
        if (s->lost) {
            find_track(s);
        }
        if (s->lost || s->n == 0) {
            return;
        }
        enum sip_frame got =
            sip_framer_next(&s->framer, str_make(s->buf, s->n), &limits, &msg, &used, &fault);
        if (got == SIP_FRAME_MORE) {
            return;
        }
        if (got == SIP_FRAME_MESSAGE) {
            struct str line = str_trim(str_upto(msg, str_index(msg, '\n')));
            if (frames_is_start(line)) {
                f->messages++;
                f->on_message(f->ctx,
                              &(struct frames_message){
                                  .bytes = msg, .from = &s->from, .to = &s->to, .tcp = true});
            }
        }
        if (got == SIP_FRAME_BAD || used == 0) {
            lose_track(f, s);
            used = str_index(str_make(s->buf, s->n), '\n');
            used = used < s->n ? used + 1 : s->n;
        }
        drop_front(s, used);
    }
}

static void append(struct frames *f, struct stream *s, struct str bytes)
{
    while (bytes.n > 0) {
        size_t room = FRAMES_BUFFER - s->n;
        struct str part = str_upto(bytes, room);
        if (room == 0) { /* no message is so long */
            s->n = 0;
            lose_track(f, s);
            continue;
        }
        memcpy(s->buf + s->n, part.p, part.n);
        s->n += part.n;
        bytes = str_from(bytes, part.n);
        take_messages(f, s);
    }
}

/* ---- order ---- */

/** Octets of the stream that `seq` is ahead of what comes next; negative: behind. */
static int32_t ahead(const struct stream *s, uint32_t seq)
{
    return (int32_t)(seq - s->next);
}

/** Those of a segment that are new. */
static void advance(struct frames *f, struct stream *s, uint32_t seq, struct str bytes)
{
    struct str fresh = str_from(bytes, (size_t) - (int64_t)ahead(s, seq));
    s->next += (uint32_t)fresh.n;
    append(f, s, fresh);
}

/** The held segment that begins first; SIZE_MAX: none is held. */
static size_t first_held(const struct stream *s)
{
    size_t first = SIZE_MAX;
    for (size_t i = 0; i < s->held_n; i++) {
        if (first == SIZE_MAX || ahead(s, s->held[i].seq) < ahead(s, s->held[first].seq)) {
            first = i;
        }
    }
    return first;
}

/** Use what was held, as far as it follows now. */
static void release(struct frames *f, struct stream *s)
{
    for (size_t i = first_held(s); i != SIZE_MAX && ahead(s, s->held[i].seq) <= 0;
         i = first_held(s)) {
        struct segment it = s->held[i];
        s->held[i] = s->held[--s->held_n];
        if (ahead(s, it.seq + (uint32_t)it.n) > 0) {
            advance(f, s, it.seq, str_make(it.bytes, it.n));
        }
        free(it.bytes);
    }
}

/** What is missing does not come any more. */
static void skip_hole(struct frames *f, struct stream *s)
{
    size_t i = first_held(s);
    if (i != SIZE_MAX) {
        s->next = s->held[i].seq;
        s->n = 0;
        lose_track(f, s);
        release(f, s);
    }
}

static int hold(struct frames *f, struct stream *s, const struct frame *in)
{
    if (s->held_n == FRAMES_HELD) {
        skip_hole(f, s);
    }
    if (ahead(s, in->seq) <= 0) {
        if (ahead(s, in->seq + (uint32_t)in->payload.n) > 0) {
            advance(f, s, in->seq, in->payload);
        }
        return 0;
    }
    if (s->held_n == FRAMES_HELD) {
        return 0;
    }
    char *bytes = malloc(in->payload.n);
    if (bytes == NULL) {
        return E_NOMEM;
    }
    memcpy(bytes, in->payload.p, in->payload.n);
    s->held[s->held_n++] = (struct segment){in->seq, in->payload.n, bytes};
    return 0;
}

int stream_input(struct frames *f, const struct frame *in)
{
    struct stream *s;
    int err = 0;
    if (in->payload.n == 0 && !in->syn) {
        return 0;
    }
    s = find(f, in);
    if (s == NULL) {
        return E_NOMEM;
    }
    s->turn = f->turn;
    uint32_t seq = in->seq + (in->syn ? 1 : 0);
    struct frame data = *in;
    data.seq = seq;
    if (data.payload.n == 0 || ahead(s, seq + (uint32_t)data.payload.n) <= 0) {
        return 0; /* seen before */
    }
    if (ahead(s, seq) <= 0) {
        advance(f, s, seq, data.payload);
    } else {
        err = hold(f, s, &data);
    }
    release(f, s);
    return err;
}

void streams_fini(struct frames *f)
{
    for (size_t i = 0; i < FRAMES_STREAMS; i++) {
        stream_fini(f->stream[i]);
        free(f->stream[i]);
        f->stream[i] = NULL;
    }
}
