/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a fuzz target over files and folders of files: `replay_fuzz_NAME PATH...`. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { INPUT_MAX = 1 << 20 };

static unsigned inputs;

static int run_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    uint8_t *all = malloc(INPUT_MAX);
    size_t n = f && all ? fread(all, 1, INPUT_MAX, f) : 0;
    /* A block of exactly that size, so that reading beyond it is seen. */
    uint8_t *data = malloc(n > 0 ? n : 1);
    int rc = -1;
    if (f && all && data) {
        for (size_t i = 0; i < n; i++) {
            data[i] = all[i];
        }
        rc = LLVMFuzzerTestOneInput(data, n);
        inputs++;
    } else {
        perror(path);
    }
    if (f) {
        fclose(f);
    }
    free(all);
    free(data);
    return rc;
}

static int run_path(const char *path)
{
    struct stat st;
    DIR *dir = stat(path, &st) == 0 && S_ISDIR(st.st_mode) ? opendir(path) : NULL;
    struct dirent *e;
    int rc = 0;
    if (!dir) {
        return run_file(path);
    }
    while ((e = readdir(dir)) != NULL) {
        char name[1024];
        if (e->d_name[0] != '.') {
            snprintf(name, sizeof(name), "%s/%s", path, e->d_name);
            rc |= run_file(name);
        }
    }
    closedir(dir);
    return rc;
}

int main(int argc, char **argv)
{
    int rc = 0;
    for (int i = 1; i < argc; i++) {
        rc |= run_path(argv[i]);
    }
    printf("%u inputs\n", inputs);
    return rc == 0 && inputs > 0 ? 0 : 1;
}
