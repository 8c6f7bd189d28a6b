/* SPDX-License-Identifier: Apache-2.0 */
/* See cpu.h. */
#include "cpu.h"
#include <dirent.h>
#include <inttypes.h>
#include <stddef.h>

volatile sig_atomic_t cpu_stop;

static void on_signal(int number)
{
    (void)number;
    cpu_stop = 1;
}

void cpu_stop_on_signals(void)
{
    struct sigaction act = {.sa_handler = on_signal};
    (void)sigaction(SIGTERM, &act, NULL);
    (void)sigaction(SIGINT, &act, NULL);
}

uint64_t cpu_ns(void)
{
    uint64_t sum = 0;
    DIR *dir = opendir("/proc/self/task");
    struct dirent *e;
    while (dir != NULL && (e = readdir(dir)) != NULL) {
        char path[320];
        uint64_t ns;
        (void)snprintf(path, sizeof(path), "/proc/self/task/%s/schedstat", e->d_name);
        FILE *f = e->d_name[0] != '.' ? fopen(path, "r") : NULL;
        if (f != NULL) {
            if (fscanf(f, "%" SCNu64, &ns) == 1) {
                sum += ns;
            }
            fclose(f);
        }
    }
    if (dir != NULL) {
        closedir(dir);
    }
    return sum;
}

void cpu_report(const char *name, uint64_t datagrams)
{
    uint64_t ns = cpu_ns();
    printf("%-14s %9" PRIu64 " datagrams  %7.3f us each\n", name, datagrams,
           datagrams > 0 ? (double)ns / 1000.0 / (double)datagrams : 0.0);
}
