/*
 * server/target_file.h - the file behind a connection: it has one writer, whatever it is called.
 * Must not know what is written.
 */
#ifndef MR_SERVER_TARGET_FILE_H
#define MR_SERVER_TARGET_FILE_H

#include "server/server.h"

/* Refuses the connection when its file is one of the server's own (42501), or that of another
 * connection of the catalogue (55006): by device and inode, so that links and other spellings of
 * the path are the same file, and one that is not there yet by its directory and name. */
MrStatus mr_target_file_check(const MrServer *server, const MrCatalog *catalog,
                              const MrConnection *connection, MrError *err);
/* Says in the server's log which connections of an older catalogue would be refused now. */
void mr_target_files_warn(const MrServer *server, const MrCatalog *catalog);

#endif
