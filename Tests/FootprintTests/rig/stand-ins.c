// Stand-ins for virtual machines: processes that are named like QEMU, have its command line, and sleep.
//
//   stand-ins DIRECTORY COUNT
//
// makes DIRECTORY/qemu-system-x86_64, a link to this program, and runs it COUNT times through that link; says "ready"
// on standard output when all of them are there. They end with this process, however it ends.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#define PROGRAM "qemu-system-x86_64"

/// A libvirt guest with a few devices has about 1.9 KB of arguments.
enum { command_line_bytes = 1900, most_arguments = 64 };

static void fail(const char *what) {
    fprintf(stderr, "stand-ins: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void be_guest(const char *path, int number) {
    static char name[64], devices[most_arguments][96];
    char *arguments[most_arguments * 2];
    int count = 0;
    snprintf(name, sizeof name, "guest=vm%d,debug-threads=on", number);
    // The name as found in PATH, without a directory: ksmtuned's pattern is anchored at the beginning.
    arguments[count++] = PROGRAM;
    arguments[count++] = "-name";
    arguments[count++] = name;
    arguments[count++] = "-enable-kvm";
    size_t length = sizeof PROGRAM + sizeof "-name" + strlen(name) + 1 + sizeof "-enable-kvm";
    for (int device = 0; length < command_line_bytes && device < most_arguments; device++) {
        int bytes = snprintf(devices[device], sizeof devices[device],
                             "virtio-net-pci,netdev=hostnet%d,id=net%d,mac=52:54:00:%02x:%02x:%02x,bus=pci.0,addr=0x%x", device,
                             device, number >> 8 & 255, number & 255, device, device);
        arguments[count++] = "-device";
        arguments[count++] = devices[device];
        length += sizeof "-device" + (size_t)bytes + 1;
    }
    arguments[count] = NULL;
    execv(path, arguments);
    fail(path);
}

int main(int argc, char **argv) {
    if (strcmp(argv[0], PROGRAM) == 0)
        for (;;) pause();
    int count = argc == 3 ? atoi(argv[2]) : -1;
    if (count < 0) {
        fprintf(stderr, "usage: stand-ins DIRECTORY COUNT\n");
        return 2;
    }
    char self[PATH_MAX] = {0}, path[PATH_MAX];
    if (readlink("/proc/self/exe", self, sizeof self - 1) < 0) fail("/proc/self/exe");
    snprintf(path, sizeof path, "%s/" PROGRAM, argv[1]);
    if (symlink(self, path) < 0 && errno != EEXIST) fail(path);

    // Closed by every exec: its end says that all of them have happened.
    int executed[2];
    if (pipe2(executed, O_CLOEXEC) < 0) fail("pipe");
    pid_t parent = getpid();
    for (int number = 1; number <= count; number++) {
        pid_t pid = fork();
        if (pid < 0) fail("fork");
        if (pid > 0) continue;
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent) _exit(1);
        close(STDIN_FILENO);
        close(STDOUT_FILENO);
        be_guest(path, number);
    }
    close(executed[1]);
    char byte;
    while (read(executed[0], &byte, 1) > 0) {}
    puts("ready");
    fflush(stdout);
    for (;;) pause();
}
