/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Static files: those in the program, or those of a folder. What is in the program has its tag
 * and its compressed form made at build time.
 *
 * A FOLDER is walked from its own descriptor, segment by segment, and nothing in it that is no
 * plain file or folder is opened; a name that begins with a dot is none. So there is no way out
 * of it.
 */
#include "api/asset.h"
#include "api/parts.h"
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_MAX = 16 << 20 };

static const char *type_of(struct str name)
{
    static const struct {
        const char *end, *type;
    } table[] = {
        {".html", "text/html; charset=utf-8"},
        {".css", "text/css; charset=utf-8"},
        {".js", "text/javascript; charset=utf-8"},
        {".mjs", "text/javascript; charset=utf-8"},
        {".json", "application/json"},
        {".svg", "image/svg+xml"},
        {".png", "image/png"},
        {".ico", "image/x-icon"},
        {".txt", "text/plain; charset=utf-8"},
        {".md", "text/markdown; charset=utf-8"},
        {".woff2", "font/woff2"},
        {".wav", "audio/wav"},
        {".webmanifest", "application/manifest+json"},
    };
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        if (str_ends(name, str_c(table[i].end))) {
            return table[i].type;
        }
    }
    return "application/octet-stream";
}

/* ---- in the program ---- */

static const struct api_asset *find(const struct api_asset *all, size_t n, struct str path)
{
    for (size_t low = 0, high = n; low < high;) {
        size_t mid = low + (high - low) / 2;
        int order = str_cmp(path, str_c(all[mid].path));
        if (order == 0) {
            return &all[mid];
        }
        low = order > 0 ? mid + 1 : low;
        high = order > 0 ? high : mid;
    }
    return NULL;
}

static bool takes_gzip(const struct api_request *r)
{
    struct str rest = r->field[API_ACCEPT_ENCODING];
    while (rest.n > 0) {
        size_t comma = str_index(rest, ',');
        struct str one = str_trim(str_upto(rest, comma));
        size_t semi = str_index(one, ';');
        struct str q = str_trim(str_from(one, semi < one.n ? semi + 1 : semi));
        if (str_ieq(str_trim(str_upto(one, semi)), STR("gzip"))) {
            return !str_eq(q, STR("q=0")) && !str_starts(q, STR("q=0.000"));
        }
        rest = str_from(rest, comma < rest.n ? comma + 1 : comma);
    }
    return false;
}

static void serve_built_in(struct api_request *r, const struct api_asset *asset)
{
    struct api_header headers[4];
    size_t n = 0;
    bool gzip = str_is_set(asset->gzip) && takes_gzip(r);
    headers[n++] = (struct api_header){"ETag", str_c(asset->etag)};
    headers[n++] = (struct api_header){"Cache-Control", STR("no-cache")};
    if (str_is_set(asset->gzip)) {
        headers[n++] = (struct api_header){"Vary", STR("Accept-Encoding")};
    }
    if (gzip) {
        headers[n++] = (struct api_header){"Content-Encoding", STR("gzip")};
    }
    api_reply(r, 200, asset->type, gzip ? asset->gzip : asset->bytes, headers, n);
}

/* ---- in a folder ---- */

/** @return a descriptor, or -1 */
static int open_below(const char *root, struct str path)
{
    int at = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    while (at >= 0 && path.n > 0) {
        char name[256];
        struct str rest = str_from(path, 1);
        size_t slash = str_index(rest, '/');
        struct str one = str_upto(rest, slash);
        int below = -1;
        if (one.n > 0 && one.n < sizeof(name) && one.p[0] != '.') {
            memcpy(name, one.p, one.n);
            name[one.n] = '\0';
            below = openat(at, name,
                           O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC |
                               (slash < rest.n ? O_DIRECTORY : 0));
        }
        close(at);
        at = below;
        path = str_from(rest, slash);
    }
    return at;
}

static bool serve_file(struct api_request *r, int fd, struct str path)
{
    struct stat st;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size > FILE_MAX) {
        return false;
    }
    size_t size = (size_t)st.st_size, got = 0;
    char *p = malloc(size + 1);
    while (p != NULL && got < size) {
        ssize_t n = read(fd, p + got, size - got);
        if (n <= 0) {
            break;
        }
        got += (size_t)n;
    }
    if (p == NULL) {
        return false;
    }
    const struct api_header headers[] = {
        {"ETag", arena_fmt(r->arena, "\"%llx-%llx\"", (unsigned long long)st.st_mtime,
                           (unsigned long long)st.st_size)},
        {"Cache-Control", STR("no-cache")},
    };
    api_reply(r, 200, type_of(path), str_make(p, got), headers, ARRAY_LEN(headers));
    free(p);
    return true;
}

static bool serve_from_folder(struct api_request *r, struct str path)
{
    int fd = open_below(r->api->rules->rules.web_root, path);
    bool served = fd >= 0 && serve_file(r, fd, path);
    if (fd >= 0) {
        close(fd);
    }
    return served;
}

/* ---- both ---- */

static bool serve(struct api_request *r, struct str path)
{
    if (r->api->rules->rules.web_root != NULL) {
        return serve_from_folder(r, path);
    }
    const struct api_asset *asset = find(api_assets, api_asset_count, path);
    if (asset != NULL) {
        serve_built_in(r, asset);
    }
    return asset != NULL;
}

/** "/console" is a folder: relative names in its page need the slash. */
static bool redirect(struct api_request *r, struct str path)
{
    struct str index = arena_fmt(r->arena, "%.*s/index.html", STR_ARG(path));
    struct api_header location = {"Location", arena_fmt(r->arena, "%.*s/", STR_ARG(path))};
    bool there = r->api->rules->rules.web_root == NULL
                     ? find(api_assets, api_asset_count, index) != NULL
                     : false;
    if (!there && r->api->rules->rules.web_root != NULL) {
        int fd = open_below(r->api->rules->rules.web_root, index);
        there = fd >= 0;
        if (fd >= 0) {
            close(fd);
        }
    }
    if (there) {
        api_reply(r, 308, NULL, STR(""), &location, 1);
    }
    return there;
}

bool asset_serve(struct api_request *r)
{
    struct str path;
    if (!request_decode(r->path, false, r->arena, &path)) {
        return false;
    }
    const struct api_asset *document = find(api_documents, api_document_count, path);
    if (document != NULL) {
        serve_built_in(r, document);
        return true;
    }
    if (str_starts(path, STR("/v1/"))) {
        return false;
    }
    if (str_eq(path, STR("/"))) {
        struct api_header location = {"Location", STR("/console/")};
        api_reply(r, 302, NULL, STR(""), &location, 1);
        return true;
    }
    if (str_ends(path, STR("/"))) {
        return serve(r, arena_fmt(r->arena, "%.*sindex.html", STR_ARG(path)));
    }
    return serve(r, path) || redirect(r, path);
}
