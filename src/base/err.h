/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The error numbers of L0-L5, one list.
 *
 * Functions that can fail return `int`: 0 or a documented positive count on success, one
 * of these (all negative) on failure. E_AGAIN means "more bytes are needed" or "the
 * answer comes later" and is no failure. Where something is wrong with input, a position
 * goes out by a parameter of its own.
 */
#ifndef BATON_BASE_ERR_H
#define BATON_BASE_ERR_H

#define ERR_LIST(X)                                                                      \
    X(E_AGAIN, -1, "more input is needed")                                               \
    X(E_SYNTAX, -2, "syntax error")                                                      \
    X(E_TOOBIG, -3, "larger than the limit")                                             \
    X(E_TOOMANY, -4, "more than the limit")                                              \
    X(E_NOMEM, -5, "out of memory")                                                      \
    X(E_SPACE, -6, "the buffer is too small")                                            \
    X(E_NOTFOUND, -7, "not found")                                                       \
    X(E_STATE, -8, "not possible in this state")                                         \
    X(E_UNSUPPORTED, -9, "not supported")                                                \
    X(E_DENIED, -10, "not allowed")                                                      \
    X(E_VALUE, -11, "value out of range")                                                \
    X(E_IO, -12, "transport failure")                                                    \
    X(E_VERSION, -13, "unknown protocol version")                                        \
    X(E_EXISTS, -14, "exists already")

enum err {
#define ERR_ENUM(name, value, text) name = value,
    ERR_LIST(ERR_ENUM)
#undef ERR_ENUM
};

/** A short English text for any value in the list; "no error" for 0 and up. */
const char *err_text(int err);

#endif
