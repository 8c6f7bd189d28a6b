/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is a head one that everybody reads alike?
 *
 * A proxy before us and we have to agree on where a request ends and the next one begins; where
 * we do not, somebody hides a request in another one. http_parser is kind to lines that end
 * with LF alone, to folded lines, and to blanks where none belong. Here they are refused, as
 * RFC 9112 asks of a server or lets it do:
 *
 *   §2.2  CR and LF stand together, and nowhere else
 *   §3    one blank between method, target and version
 *   §5.1  a field's name is a token, and the colon follows at once
 *   §5.2  no line goes on in the next one
 *
 * COST: once over the octets of the head.
 */
#include "api/parts.h"

/** tchar (RFC 9110 §5.6.2) */
static bool is_token(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = ascii_lower(s.p[i]);
        bool ok = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                  (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
        if (!ok) {
            return false;
        }
    }
    return s.n > 0;
}

static bool is_field(struct str line)
{
    size_t colon = str_index(line, ':');
    return colon < line.n && is_token(str_upto(line, colon));
}

bool head_is_sound(struct str head)
{
    for (bool first = true; head.n > 2; first = false) {
        size_t end = str_find(head, STR("\r\n"));
        struct str line = str_upto(head, end);
        if (str_index(line, '\r') < line.n || str_index(line, '\n') < line.n) {
            return false;
        }
        if (first ? str_find(line, STR("  ")) < line.n : !is_field(line)) {
            return false;
        }
        head = str_from(head, end + 2);
    }
    return true;
}
