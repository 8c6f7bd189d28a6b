/* SPDX-License-Identifier: Apache-2.0 */
/* A program that is built without the web: no files. */
#include "api/asset.h"

const struct api_asset api_assets[] = {{0}};
const size_t api_asset_count = 0;
