package dev.redmobile.bionic;

import com.github.unidbg.Emulator;
import com.github.unidbg.arm.Arm64Svc;
import com.github.unidbg.linux.android.dvm.DvmClass;
import com.github.unidbg.linux.android.dvm.DvmObject;
import com.github.unidbg.linux.android.dvm.VM;
import com.github.unidbg.memory.SvcMemory;
import com.github.unidbg.pointer.UnidbgPointer;

/** The functions of JNI that the bridge calls and unidbg lacks: direct buffers, and exceptions, which are kept for the caller. */
final class Jni {
    private static final int THROW_NEW = 14;
    private static final int EXCEPTION_CHECK = 228;
    private static final int NEW_DIRECT_BYTE_BUFFER = 229;
    private static final int GET_DIRECT_BUFFER_ADDRESS = 230;
    private static final int GET_DIRECT_BUFFER_CAPACITY = 231;
    private static final int POINTER_BYTES = 8;

    private final VM vm;
    private final DvmClass byteBuffer;
    private String thrown;

    /** A direct buffer: where in the phone's memory, and how long. */
    static final class Buffer {
        final long address;
        final int bytes;

        Buffer(long address, int bytes) {
            this.address = address;
            this.bytes = bytes;
        }
    }

    interface Function {
        long call(Emulator<?> emulator);
    }

    Jni(VM vm, SvcMemory memory) {
        this.vm = vm;
        byteBuffer = vm.resolveClass("java/nio/ByteBuffer");
        UnidbgPointer table = ((UnidbgPointer) vm.getJNIEnv()).getPointer(0);
        put(table, memory, THROW_NEW, this::throwNew);
        put(table, memory, EXCEPTION_CHECK, emulator -> thrown == null ? 0 : 1);
        put(table, memory, NEW_DIRECT_BYTE_BUFFER, emulator -> vm.addLocalObject(
            buffer(emulator.getContext().getPointerArg(1).peer, emulator.getContext().getIntArg(2))));
        put(table, memory, GET_DIRECT_BUFFER_ADDRESS, emulator -> argument(emulator).address);
        put(table, memory, GET_DIRECT_BUFFER_CAPACITY, emulator -> argument(emulator).bytes);
    }

    /** A java.nio.ByteBuffer for the phone. */
    DvmObject<?> buffer(long address, int bytes) {
        return byteBuffer.newObject(new Buffer(address, bytes));
    }

    /** The exception since the last call, as "class: text", and forget it; null if there was none. */
    String takeThrown() {
        String taken = thrown;
        thrown = null;
        return taken;
    }

    private long throwNew(Emulator<?> emulator) {
        DvmClass exception = vm.getObject(emulator.getContext().getPointerArg(1).toIntPeer());
        thrown = exception.getClassName().replace('/', '.') + ": " + emulator.getContext().getPointerArg(2).getString(0);
        return 0;
    }

    private Buffer argument(Emulator<?> emulator) {
        return (Buffer) vm.getObject(emulator.getContext().getPointerArg(1).toIntPeer()).getValue();
    }

    private static void put(UnidbgPointer table, SvcMemory memory, int index, Function function) {
        table.setPointer((long) index * POINTER_BYTES, memory.registerSvc(new Arm64Svc() {
            @Override
            public long handle(Emulator<?> emulator) {
                return function.call(emulator);
            }
        }));
    }
}
