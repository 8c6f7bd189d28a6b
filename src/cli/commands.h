/* SPDX-License-Identifier: Apache-2.0 */
/* The commands there are, in the order in which help shows them. */
#ifndef BATON_CLI_COMMANDS_H
#define BATON_CLI_COMMANDS_H

#include "cli/csta_cmd.h"
#include "cli/phone.h"
#include "cli/serve.h"
#include "cli/uui_cmd.h"

#define COMMANDS                                                                \
    {&help_serve, cmd_serve}, {&help_phone, cmd_phone}, {&help_csta, cmd_csta}, \
    {                                                                           \
        &help_uui, cmd_uui                                                      \
    }

#endif
