// A stand-in for systemd's journal, for the micro VMs: takes what programs send to /run/systemd/journal/socket and writes
// it to standard output, a line for each field and an empty line after each entry.
//
// Fields with newlines in their values, and entries of more than 16 KiB, which come as files, are not understood.
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int main(void) {
    static char entry[16384];
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "/run/systemd/journal/socket"};
    int line = socket(AF_UNIX, SOCK_DGRAM, 0);
    unlink(address.sun_path);
    if (line < 0 || bind(line, (struct sockaddr *)&address, sizeof address)) {
        perror(address.sun_path);
        return 1;
    }
    for (;;) {
        ssize_t size = recv(line, entry, sizeof entry, 0);
        if (size < 0) return 1;
        fwrite(entry, 1, (size_t)size, stdout);
        putchar('\n');
        fflush(stdout);
    }
}
