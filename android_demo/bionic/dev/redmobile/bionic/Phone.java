package dev.redmobile.bionic;

import com.github.unidbg.AndroidEmulator;
import com.github.unidbg.arm.backend.Backend;
import com.github.unidbg.arm.backend.Unicorn2Factory;
import com.github.unidbg.file.FileResult;
import com.github.unidbg.file.linux.AndroidFileIO;
import com.github.unidbg.linux.ARM64SyscallHandler;
import com.github.unidbg.linux.android.AndroidARM64Emulator;
import com.github.unidbg.linux.android.AndroidResolver;
import com.github.unidbg.linux.android.dvm.VM;
import com.github.unidbg.linux.file.ByteArrayFileIO;
import com.github.unidbg.memory.SvcMemory;
import com.github.unidbg.unix.UnixSyscallHandler;
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import unicorn.Arm64Const;

/**
 * An arm64 processor with Android's own libc, libm and linker (bionic of API 23, which unidbg carries): no kernel, no ART, no GPU.
 *
 * Two things that unidbg lacks are added: the files by which XNNPACK (through cpuinfo) learns what processor it is on, and the answer of a
 * kernel without SVE to prctl. The processor claims to be a Cortex-A53: plain NEON, the kernels that every arm64 phone has.
 */
final class Phone extends AndroidARM64Emulator {
    private static final int OLDEST_API = 23;
    private static final int PRCTL = 167;
    private static final int FIRST_SVE_OPTION = 50;
    private static final long EINVAL = -22;
    private static final String CORES = "/sys/devices/system/cpu/(possible|present|online)";
    private static final String CPUINFO = "processor\t: 0\nBogoMIPS\t: 38.40\nFeatures\t: fp asimd evtstrm aes pmull sha1 sha2 crc32 cpuid\n"
        + "CPU implementer\t: 0x41\nCPU architecture: 8\nCPU variant\t: 0x0\nCPU part\t: 0xd03\nCPU revision\t: 4\n\n";

    private Phone() {
        super("dev.redmobile.demo", null, Collections.singletonList(new Unicorn2Factory(true)));
    }

    /** Switched on, with a virtual machine that loads libraries and answers JNI calls. */
    static Phone on() {
        Phone phone = new Phone();
        phone.getMemory().setLibraryResolver(new AndroidResolver(OLDEST_API));
        phone.getSyscallHandler().setEnableThreadDispatcher(true);
        phone.getSyscallHandler().addIOResolver((emulator, path, flags) -> served(path, flags));
        return phone;
    }

    private static FileResult<AndroidFileIO> served(String path, int flags) {
        String content = path.matches(CORES) ? "0\n" : path.equals("/proc/cpuinfo") ? CPUINFO : null;
        return content == null ? null : FileResult.success(new ByteArrayFileIO(flags, path, content.getBytes(StandardCharsets.US_ASCII)));
    }

    @Override
    protected UnixSyscallHandler<AndroidFileIO> createSyscallHandler(SvcMemory memory) {
        return new ARM64SyscallHandler(memory) {
            @Override
            public void hook(Backend backend, int number, int swi, Object user) {
                boolean asksForSve = backend.reg_read(Arm64Const.UC_ARM64_REG_X8).intValue() == PRCTL
                    && backend.reg_read(Arm64Const.UC_ARM64_REG_X0).intValue() >= FIRST_SVE_OPTION;
                if (number == 2 && swi == 0 && asksForSve) {
                    backend.reg_write(Arm64Const.UC_ARM64_REG_X0, EINVAL);
                } else {
                    super.hook(backend, number, swi, user);
                }
            }
        };
    }
}
