/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a fuzz target over files, without libFuzzer: for the seeds in every ordinary test run,
 * and to replay a crash under a debugger. Arguments are files or folders of files.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned long inputs;

/** A buffer of exactly the right size, so that a read beyond the end is noticed. */
static int run_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    if (f == NULL || fseek(f, 0, SEEK_END) != 0) {
        perror(path);
        return 1;
    }
    long size = ftell(f);
    uint8_t *data = size >= 0 ? malloc((size_t)size + (size == 0)) : NULL;
    rewind(f);
    if (data == NULL || fread(data, 1, (size_t)size, f) != (size_t)size) {
        perror(path);
        return 1;
    }
    fclose(f);
    fprintf(stderr, "%s\n", path); /* so that a crash says where */
    (void)LLVMFuzzerTestOneInput(data, (size_t)size);
    free(data);
    inputs++;
    return 0;
}

static int run_path(const char *path)
{
    struct dirent *entry;
    DIR *dir = opendir(path);
    int bad = 0;
    if (dir == NULL) {
        return run_file(path);
    }
    while ((entry = readdir(dir)) != NULL) {
        char name[1024];
        int n = snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
        if (entry->d_name[0] != '.') {
            bad |= n > 0 && (size_t)n < sizeof(name) ? run_path(name) : 1;
        }
    }
    closedir(dir);
    return bad;
}

int main(int argc, char **argv)
{
    int bad = 0;
    for (int i = 1; i < argc; i++) {
        bad |= run_path(argv[i]);
    }
    printf("%lu inputs\n", inputs);
    return bad != 0 || inputs == 0 ? 1 : 0;
}
