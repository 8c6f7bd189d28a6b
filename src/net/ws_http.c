/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The opening handshake of WebSocket.
 *
 * http_parser does the syntax of HTTP; here is what the fields must say, in the order in which
 * a client is best told what is wrong: a request of HTTP/1.1 at all, for a place that we have,
 * for WebSocket in our version, for SIP over it, from a page that may. Nothing is kept: the
 * head is parsed when it is whole.
 */
#include "net/ws_http.h"
#include <http_parser.h>
#include <openssl/evp.h>
#include <string.h>

/** RFC 6455 §1.3: what makes the answer one that only a WebSocket server gives. */
#define GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

/** Base64 of 16 octets. */
#define KEY_SIZE 24

struct request {
    struct str url, name; /**< name: of the field whose value comes next */
    struct str key, version, origin;
    unsigned keys, hosts, origins;
    bool sip; /**< one of the offered protocols */
};

size_t ws_http_head(struct str bytes)
{
    size_t at = str_find(bytes, STR("\r\n\r\n"));
    return at < bytes.n ? at + 4 : 0;
}

/* ---- reading ---- */

/** Is `word` one of the members of a list with commas? Protocol names are case sensitive. */
static bool list_has(struct str list, struct str word)
{
    while (list.n > 0) {
        size_t comma = str_index(list, ',');
        if (str_eq(str_trim(str_upto(list, comma)), word)) {
            return true;
        }
        list = str_from(list, comma < list.n ? comma + 1 : comma);
    }
    return false;
}

static int on_url(http_parser *p, const char *at, size_t n)
{
    ((struct request *)p->data)->url = str_make(at, n);
    return 0;
}

static int on_field(http_parser *p, const char *at, size_t n)
{
    ((struct request *)p->data)->name = str_make(at, n);
    return 0;
}

static int on_value(http_parser *p, const char *at, size_t n)
{
    struct request *r = p->data;
    struct str value = str_trim(str_make(at, n));
    if (r->name.n == 0) {
        return 1; /* a folded line: no client that we want to know writes one */
    }
    if (str_ieq(r->name, STR("Sec-WebSocket-Key"))) {
        r->key = value;
        r->keys++;
    } else if (str_ieq(r->name, STR("Sec-WebSocket-Version"))) {
        r->version = value;
    } else if (str_ieq(r->name, STR("Sec-WebSocket-Protocol"))) {
        r->sip = r->sip || list_has(value, STR("sip"));
    } else if (str_ieq(r->name, STR("Origin"))) {
        r->origin = value;
        r->origins++;
    } else if (str_ieq(r->name, STR("Host"))) {
        r->hosts++;
    }
    r->name = STR_NONE;
    return 0;
}

/* ---- judging ---- */

static bool path_fits(const struct ws_rules *rules, struct str url)
{
    return rules->path.n == 0 || str_eq(str_upto(url, str_index(url, '?')), rules->path);
}

static bool origin_fits(const struct ws_rules *rules, const struct request *r)
{
    if (rules->origin_count == 0 || r->origins == 0) {
        return true;
    }
    for (size_t i = 0; i < rules->origin_count; i++) {
        if (r->origins == 1 && str_ieq(rules->origin[i], r->origin)) {
            return true;
        }
    }
    return false;
}

/** Base64 of 16 octets: 22 digits and two signs of filling. */
static bool is_key(struct str key)
{
    static const char digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    if (key.n != KEY_SIZE || !str_eq(str_from(key, 22), STR("=="))) {
        return false;
    }
    for (size_t i = 0; i < 22; i++) {
        if (memchr(digits, key.p[i], sizeof(digits) - 1) == NULL) {
            return false;
        }
    }
    return true;
}

static unsigned judge(const struct ws_rules *rules, const http_parser *p,
                      const struct request *r, const char **why)
{
    *why = "a request of HTTP/1.1 by GET, with one Host, is wanted";
    if (p->method != HTTP_GET || p->http_major != 1 || p->http_minor < 1 || r->hosts != 1) {
        return 400;
    }
    *why = "there is nothing here";
    if (!path_fits(rules, r->url)) {
        return 404;
    }
    *why = "here is SIP over WebSocket (RFC 7118)";
    if (!p->upgrade || !str_eq(r->version, STR("13"))) {
        return 426;
    }
    *why = "Sec-WebSocket-Key must be base64 of 16 octets";
    if (r->keys != 1 || !is_key(r->key)) {
        return 400;
    }
    *why = "Sec-WebSocket-Protocol must offer sip";
    if (!r->sip) {
        return 400;
    }
    *why = "pages of this origin may not connect";
    return origin_fits(rules, r) ? 101 : 403;
}

/* ---- answering ---- */

/** RFC 6455 §4.2.2 step 5.4 */
static void write_accept(struct out *o, struct str key)
{
    char text[KEY_SIZE + sizeof(GUID)];
    unsigned char sum[EVP_MAX_MD_SIZE], digits[64];
    unsigned n = 0;
    memcpy(text, key.p, KEY_SIZE);
    memcpy(text + KEY_SIZE, GUID, sizeof(GUID) - 1);
    if (EVP_Digest(text, sizeof(text) - 1, sum, &n, EVP_sha1(), NULL) == 1) {
        int len = EVP_EncodeBlock(digits, sum, (int)n);
        out_str(o, str_make((const char *)digits, (size_t)len));
    }
}

static void agree(struct out *o, const struct request *r)
{
    out_c(o, "HTTP/1.1 101 Switching Protocols\r\n"
             "Upgrade: websocket\r\nConnection: Upgrade\r\n"
             "Sec-WebSocket-Protocol: sip\r\nSec-WebSocket-Accept: ");
    write_accept(o, r->key);
    out_c(o, "\r\n\r\n");
}

static void refuse(struct out *o, unsigned status, const char *why)
{
    const char *phrase = status == 403   ? "Forbidden"
                         : status == 404 ? "Not Found"
                         : status == 426 ? "Upgrade Required"
                                         : "Bad Request";
    out_fmt(o, "HTTP/1.1 %u %s\r\n", status, phrase);
    if (status == 426) {
        out_c(o, "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n");
        out_c(o, "Connection: Upgrade, close\r\n");
    } else {
        out_c(o, "Connection: close\r\n");
    }
    out_fmt(o, "Content-Type: text/plain\r\nContent-Length: %zu\r\n\r\n%s\n", strlen(why) + 1,
            why);
}

unsigned ws_http_answer(struct str head, const struct ws_rules *rules, struct out *o)
{
    static const http_parser_settings settings = {
        .on_url = on_url, .on_header_field = on_field, .on_header_value = on_value};
    struct request r = {0};
    http_parser p;
    const char *why = "this is no HTTP";
    unsigned status = 400;
    http_parser_init(&p, HTTP_REQUEST);
    p.data = &r;
    (void)http_parser_execute(&p, &settings, head.p, head.n);
    if (HTTP_PARSER_ERRNO(&p) == HPE_OK) {
        status = judge(rules, &p, &r, &why);
    }
    if (status == 101) {
        agree(o, &r);
    } else {
        refuse(o, status, why);
    }
    return status;
}
