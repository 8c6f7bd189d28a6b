/* SPDX-License-Identifier: Apache-2.0 */
/* One more part in a body: see wrap.h. */
#include "isdn/wrap.h"
#include "base/err.h"
#include "mime/multipart.h"

#define DISPOSITION "signal;handling=optional"

static const struct {
    const char *name;
    uint8_t base;
} versions[] = {
#define ISUP_VERSION_ROW(name, base) {name, ISUP_##base},
    ISUP_VERSIONS(ISUP_VERSION_ROW)
#undef ISUP_VERSION_ROW
};

const char *isup_version_name(unsigned version)
{
    return version < ARRAY_LEN(versions) ? versions[version].name : NULL;
}

enum isup_base isup_version_base(unsigned version)
{
    return version < ARRAY_LEN(versions) ? (enum isup_base)versions[version].base : ISUP_ITU;
}

static struct str media_of(struct str type)
{
    return str_trim(str_upto(type, str_index(type, ';')));
}

static struct str isup_type(struct arena *a, unsigned version)
{
    const char *name = isup_version_name(version);

    return name == NULL ? STR_NONE
                        : arena_fmt(a, "application/ISUP;version=%s;base=%s", name, name);
}

static size_t count_parts(struct str type, struct str body)
{
    struct multipart it;
    struct mime_part part;
    size_t n = 0;
    int got = multipart_begin(&it, type, body);

    while (got == 0 || got == 1) {
        got = multipart_next(&it, &part);
        if (got != 1) {
            break;
        }
        n++;
    }
    return got == 0 ? n : 0;
}

/** A body of two parts. */
static int join(struct arena *a, const struct isdn_content *had, const struct isdn_part *more,
                struct str token, struct isdn_wrapped *out)
{
    struct str lines[2];
    size_t cap = had->type.n + had->body.n + had->disposition.n + more->type.n + more->body.n +
                 3 * token.n + 256;
    char *buf = arena_alloc(a, cap);
    struct out o;

    lines[0] = str_is_set(had->disposition)
                   ? arena_fmt(a, "Content-Type: %.*s\r\nContent-Disposition: %.*s\r\n",
                               STR_ARG(had->type), STR_ARG(had->disposition))
                   : arena_fmt(a, "Content-Type: %.*s\r\n", STR_ARG(had->type));
    lines[1] = arena_fmt(a, "Content-Type: %.*s\r\nContent-Disposition: " DISPOSITION "\r\n",
                         STR_ARG(more->type));
    out->all.type = arena_fmt(a, "multipart/mixed;boundary=%.*s", STR_ARG(token));
    if (buf == NULL || !str_is_set(lines[0]) || !str_is_set(lines[1]) ||
        !str_is_set(out->all.type)) {
        return E_NOMEM;
    }
    out_init(&o, buf, cap);
    multipart_write_part(&o, token, lines[0], had->body);
    out->sdp_n = had->body.n;
    out->sdp_at = o.n - had->body.n - 2; /* a line end stands behind it */
    multipart_write_part(&o, token, lines[1], more->body);
    multipart_write_end(&o, token);
    out->all.body = out_str_of(&o);
    out->all.disposition = STR_NONE;
    return o.over || count_parts(out->all.type, out->all.body) != 2 ? E_VALUE : 0;
}

/** One part more, behind the last one. */
static int append(struct arena *a, const struct isdn_content *had, const struct isdn_part *more,
                  struct isdn_wrapped *out)
{
    struct multipart it;
    struct mime_part part;
    size_t end = 0, n = 0,
           cap = had->body.n + more->type.n + more->body.n + MIME_BOUNDARY_MAX + 256;
    char *buf = arena_alloc(a, cap);
    int got = multipart_begin(&it, had->type, had->body);
    struct out o;

    if (buf == NULL) {
        return E_NOMEM;
    }
    while (got >= 0 && (got = multipart_next(&it, &part)) == 1) {
        end = (size_t)(part.body.p + part.body.n - had->body.p);
        if (str_ieq(media_of(mime_header(&part, STR("Content-Type"))),
                    STR("application/sdp"))) {
            out->sdp_at = end - part.body.n;
            out->sdp_n = part.body.n;
        }
        n++;
    }
    if (got != 0 || n == 0 || n == MIME_PARTS_MAX) {
        return E_VALUE;
    }
    out_init(&o, buf, cap);
    out_str(&o, str_upto(had->body, end));
    out_fmt(&o,
            "\r\n--%.*s\r\nContent-Type: %.*s\r\nContent-Disposition: " DISPOSITION "\r\n\r\n",
            STR_ARG(it.boundary), STR_ARG(more->type));
    out_str(&o, more->body);
    out_str(&o, str_from(had->body, end));
    out->all = (struct isdn_content){had->type, out_str_of(&o), had->disposition};
    return o.over || count_parts(had->type, out->all.body) != n + 1 ? E_VALUE : 0;
}

int isdn_wrap_part(struct arena *a, const struct isdn_content *had,
                   const struct isdn_part *part, struct str token, struct isdn_wrapped *out)
{
    *out = (struct isdn_wrapped){0};
    if (!str_is_set(had->type)) {
        out->all = (struct isdn_content){part->type, part->body, STR(DISPOSITION)};
        return 0;
    }
    if (str_ieq(media_of(had->type), STR("application/sdp"))) {
        return join(a, had, part, token, out);
    }
    return str_ieq(media_of(had->type), STR("multipart/mixed")) ? append(a, had, part, out)
                                                                : E_UNSUPPORTED;
}

int isdn_wrap(struct arena *a, const struct isdn_content *had, struct str isup,
              unsigned version, struct str token, struct isdn_wrapped *out)
{
    const struct isdn_part part = {isup_type(a, version), isup};

    *out = (struct isdn_wrapped){0};
    return str_is_set(part.type) ? isdn_wrap_part(a, had, &part, token, out) : E_NOMEM;
}
