/* SPDX-License-Identifier: Apache-2.0 */
/* The commands there are, in the order in which help shows them. */
#ifndef BATON_CLI_COMMANDS_H
#define BATON_CLI_COMMANDS_H

#include "cli/phone.h"
#include "cli/serve.h"
#include "cli/uui_cmd.h"
#if BATON_CMD_CSTA
#include "cli/csta.h"
#define COMMAND_CSTA {&help_csta, cmd_csta},
#else
#define COMMAND_CSTA
#endif

#define COMMANDS                                                     \
    {&help_serve, cmd_serve}, {&help_phone, cmd_phone}, COMMAND_CSTA \
    {                                                                \
        &help_uui, cmd_uui                                           \
    }

#endif
