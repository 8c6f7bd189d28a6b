/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scopes and principals: see access.h.
 *
 * A list of scopes is short (64 at most) and looked through from the front; there is no index.
 * What is not in the list is not allowed.
 */
#include "access/access.h"

#include "base/err.h"

static const struct str kinds[] = {
    [ACCESS_OBSERVE] = STR_INIT("observe"),
    [ACCESS_CONTROL] = STR_INIT("control"),
    [ACCESS_ADMIN] = STR_INIT("admin"),
};

bool access_matches(struct str pattern, struct str text)
{
    if (pattern.n > 0 && pattern.p[pattern.n - 1] == '*') {
        return str_starts(text, str_upto(pattern, pattern.n - 1));
    }
    return str_eq(pattern, text);
}

static bool allows(const struct access_scope *s, enum access_kind kind, struct str device)
{
    if (s->kind == ACCESS_ADMIN) {
        return true;
    }
    return s->kind >= kind && device.n > 0 &&
           (access_matches(s->pattern, device) ||
            access_matches(s->pattern, str_upto(device, str_index(device, '@'))));
}

static bool scopes_allow(const struct access_scope *scopes, size_t n, enum access_kind kind,
                         struct str device)
{
    for (size_t i = 0; i < n; i++) {
        if (allows(&scopes[i], kind, device)) {
            return true;
        }
    }
    return false;
}

bool access_scopes_observe(const struct access_scope *scopes, size_t n, struct str device)
{
    return scopes_allow(scopes, n, ACCESS_OBSERVE, device);
}

bool access_scopes_control(const struct access_scope *scopes, size_t n, struct str device)
{
    return scopes_allow(scopes, n, ACCESS_CONTROL, device);
}

bool access_scopes_admin(const struct access_scope *scopes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (scopes[i].kind == ACCESS_ADMIN) {
            return true;
        }
    }
    return false;
}

/** The owner's thread may say so at any time. */
static bool is_gone(const struct access_principal *p)
{
    return p == NULL || __atomic_load_n(&p->gone, __ATOMIC_RELAXED);
}

bool access_observe(const struct access_principal *p, struct str device)
{
    return !is_gone(p) && access_scopes_observe(p->scopes, p->count, device);
}

bool access_control(const struct access_principal *p, struct str device)
{
    return !is_gone(p) && access_scopes_control(p->scopes, p->count, device);
}

bool access_is_admin(const struct access_principal *p)
{
    return access_may_some(p, ACCESS_ADMIN);
}

bool access_may_some(const struct access_principal *p, enum access_kind kind)
{
    for (size_t i = 0; !is_gone(p) && i < p->count; i++) {
        if (p->scopes[i].kind >= kind) {
            return true;
        }
    }
    return false;
}

bool access_alive(const struct access_principal *p, uint64_t now_ms)
{
    return !is_gone(p) && (p->expires_ms == 0 || now_ms < p->expires_ms);
}

/* ---- text ---- */

/** What may stand in a pattern can stand in JSON, in a header and in a log line as it is. */
static bool is_pattern(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (c <= ' ' || c >= 0x7f || c == '"' || c == '\\' || c == '\'' ||
            (c == '*' && i + 1 < s.n)) {
            return false;
        }
    }
    return s.n > 0;
}

int access_scope_read(struct str text, struct access_scope *out)
{
    size_t colon = str_index(text, ':');
    struct str word = str_upto(text, colon);
    struct str pattern = str_from(text, colon + 1);

    if (str_eq(text, kinds[ACCESS_ADMIN])) {
        *out = (struct access_scope){.kind = ACCESS_ADMIN};
        return 0;
    }
    bool control = str_eq(word, kinds[ACCESS_CONTROL]);
    if (colon == text.n || (!control && !str_eq(word, kinds[ACCESS_OBSERVE])) ||
        !is_pattern(pattern)) {
        return E_SYNTAX;
    }
    if (pattern.n > ACCESS_PATTERN_MAX) {
        return E_TOOBIG;
    }
    *out = (struct access_scope){.pattern = pattern,
                                 .kind = control ? ACCESS_CONTROL : ACCESS_OBSERVE};
    return 0;
}

struct str access_kind_name(enum access_kind kind)
{
    return kinds[kind];
}

void access_missing(struct out *o, enum access_kind kind, struct str device)
{
    out_str(o, kinds[kind]);
    if (kind != ACCESS_ADMIN && device.n > 0) {
        out_ch(o, ':');
        out_str(o, device);
    }
}

void access_scope_write(struct out *o, const struct access_scope *s)
{
    access_missing(o, s->kind, s->pattern);
}

/** Does every device of the pattern `in` belong to the pattern `all`? */
static bool pattern_covers(struct str all, struct str in)
{
    bool many = in.n > 0 && in.p[in.n - 1] == '*';
    if (!many) {
        return access_matches(all, in) || access_matches(all, str_upto(in, str_index(in, '@')));
    }
    /* What begins with "100" begins with "10"; a fixed text has no beginnings. */
    return all.n > 0 && all.p[all.n - 1] == '*' &&
           str_starts(str_upto(in, in.n - 1), str_upto(all, all.n - 1));
}

bool access_scopes_cover(const struct access_scope *have, size_t n,
                         const struct access_scope *asked)
{
    for (size_t i = 0; i < n; i++) {
        if (have[i].kind == ACCESS_ADMIN ||
            (asked->kind != ACCESS_ADMIN && have[i].kind >= asked->kind &&
             pattern_covers(have[i].pattern, asked->pattern))) {
            return true;
        }
    }
    return false;
}
