/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CSTA messages read and written, as XML and as JSON, and expat over the same bytes for
 * comparison: expat alone, with handlers that do nothing, before anybody has looked at a name.
 * Prints "NAME ns".
 */
#include "bench.h"

#include "csta/json.h"
#include <expat.h>

#define NS "xmlns=\"http://www.ecma-international.org/standards/ecma-323/csta/ed3\""

static const char make_call[] =
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<MakeCall " NS ">"
    "<callingDevice>sip:1001@pbx.example</callingDevice>"
    "<calledDirectoryNumber>sip:1002@pbx.example</calledDirectoryNumber>"
    "<autoOriginate>doNotPrompt</autoOriginate></MakeCall>";

/* 640 octets, the size of a lean event. */
static const char delivered[] =
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<DeliveredEvent " NS ">"
    "<monitorCrossRefID>4</monitorCrossRefID><connection><callID>c</callID><deviceID>"
    "sip:1002@pbx.a</deviceID></connection><alertingDevice><deviceIdentifier>sip:1002@pbx.a"
    "</deviceIdentifier></alertingDevice><callingDevice><deviceIdentifier>sip:1001@pbx.a"
    "</deviceIdentifier></callingDevice><calledDevice><deviceIdentifier>sip:1002@pbx.a"
    "</deviceIdentifier></calledDevice><lastRedirectionDevice><notRequired/>"
    "</lastRedirectionDevice><localConnectionInfo>alerting</localConnectionInfo><cause>newCall"
    "</cause></DeliveredEvent>";

_Static_assert(sizeof(delivered) - 1 == 640, "the size that the names say");

static size_t decode(void *ctx, const char *p, size_t n)
{
    struct csta_msg msg;
    arena_reset(ctx);
    return csta_decode(str_make(p, n), NULL, ctx, &msg, NULL) == 0 ? msg.id : 0;
}

static size_t encode(void *ctx, const char *p, size_t n)
{
    static char buf[4096];
    struct out o;
    (void)p;
    (void)n;
    out_init(&o, buf, sizeof(buf));
    return csta_encode(ctx, CSTA_ED3, &o) == 0 ? o.n : 0;
}

static size_t write_json(void *ctx, const char *p, size_t n)
{
    static char buf[4096];
    struct out o;
    (void)p;
    (void)n;
    out_init(&o, buf, sizeof(buf));
    return csta_json_write(ctx, &o) == 0 ? o.n : 0;
}

static size_t read_json(void *ctx, const char *p, size_t n)
{
    struct csta_msg msg;
    arena_reset(ctx);
    return csta_json_read(str_make(p, n), NULL, ctx, &msg, NULL) == 0 ? msg.id : 0;
}

static void on_start(void *ctx, const XML_Char *name, const XML_Char **attr)
{
    (void)ctx;
    (void)name;
    (void)attr;
}

static void on_end(void *ctx, const XML_Char *name)
{
    (void)ctx;
    (void)name;
}

static void on_text(void *ctx, const XML_Char *text, int n)
{
    (void)ctx;
    (void)text;
    (void)n;
}

/* One parser for all documents, the cheapest way that expat has. */
static size_t expat(void *ctx, const char *p, size_t n)
{
    XML_Parser parser = ctx;
    XML_ParserReset(parser, NULL);
    XML_SetElementHandler(parser, on_start, on_end);
    XML_SetCharacterDataHandler(parser, on_text);
    return XML_Parse(parser, p, (int)n, XML_TRUE) == XML_STATUS_OK ? n : 0;
}

/* @return 1 when `fn` does not understand the text */
static int measure(const char *name, bench_fn fn, void *ctx, const char *text)
{
    size_t n = strlen(text);
    if (fn(ctx, text, n) == 0) {
        fprintf(stderr, "%s: not understood\n", name);
        return 1;
    }
    long rounds = 1000;
    while (bench_batch(fn, ctx, text, n, rounds) * (double)rounds < BENCH_BATCH_NS) {
        rounds *= 2;
    }
    double best = 1e18;
    for (int i = 0; i < BENCH_BATCHES; i++) {
        double ns = bench_batch(fn, ctx, text, n, rounds);
        best = ns < best ? ns : best;
    }
    printf("%s %.1f\n", name, best);
    return 0;
}

int main(void)
{
    struct arena a;
    struct arena kept;
    struct csta_msg msg;
    static char json[4096];
    struct out o;
    XML_Parser parser = XML_ParserCreate(NULL);
    int bad = parser == NULL;
    arena_init(&a, &mem_libc, 16384);
    arena_init(&kept, &mem_libc, 16384);
    bad |= measure("csta-decode-make-call", decode, &a, make_call);
    bad |= measure("csta-decode-delivered-640", decode, &a, delivered);
    bad |= measure("expat-only-delivered-640", expat, parser, delivered);
    bad |= csta_decode(str_c(make_call), NULL, &kept, &msg, NULL) != 0 ||
           measure("csta-encode-make-call", encode, &msg, make_call);
    bad |= csta_decode(str_c(delivered), NULL, &kept, &msg, NULL) != 0 ||
           measure("csta-encode-delivered-640", encode, &msg, delivered) ||
           measure("csta-json-write-delivered", write_json, &msg, delivered);
    out_init(&o, json, sizeof(json) - 1);
    bad |= csta_json_write(&msg, &o) != 0 ||
           measure("csta-json-read-delivered", read_json, &a, json);
    XML_ParserFree(parser);
    arena_fini(&a);
    arena_fini(&kept);
    return bad;
}
