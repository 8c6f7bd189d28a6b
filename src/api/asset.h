/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Static files that are part of the program: the console, the documents of the API.
 *
 * The tables are made at build time. A folder (api.web_root) may stand in for the files of the
 * web, for who works on them; the documents are always the built-in ones.
 */
#ifndef BATON_API_ASSET_H
#define BATON_API_ASSET_H

#include "base/str.h"

struct api_asset {
    const char *path; /**< "/console/index.html"; sorted by it */
    const char *type; /**< "text/html; charset=utf-8" */
    const char *etag; /**< with its quotes: "\"5f1d…\"" */
    struct str bytes;
    struct str gzip; /**< the same, compressed; not set: it is not worth it */
};

/** Of the web; made by web/. */
extern const struct api_asset api_assets[];
extern const size_t api_asset_count;

/** openapi.json, asyncapi.json; made by gen/gen_api.py. */
extern const struct api_asset api_documents[];
extern const size_t api_document_count;

#endif
