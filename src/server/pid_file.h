/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pid file: who runs with this configuration?
 *
 * The server writes its process number into the file and keeps it locked as long as it lives.
 * The lock is what counts: it goes with the process, so a file that was left behind by a crash
 * misleads nobody.
 */
#ifndef BATON_SERVER_PID_FILE_H
#define BATON_SERVER_PID_FILE_H

#include <sys/types.h>

/** Make, lock and fill it. @return the descriptor to keep, or -1 with errno (EEXIST: another
    process holds it) */
int pid_file_take(const char *path);

/** Remove it and let it go. */
void pid_file_drop(const char *path, int fd);

/** The process that holds it, or 0. */
pid_t pid_file_holder(const char *path);

#endif
