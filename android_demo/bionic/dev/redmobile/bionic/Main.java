package dev.redmobile.bionic;

import com.github.unidbg.linux.android.dvm.DvmClass;
import com.github.unidbg.linux.android.dvm.DvmObject;
import com.github.unidbg.linux.android.dvm.StringObject;
import com.github.unidbg.linux.android.dvm.VM;
import com.github.unidbg.linux.android.dvm.array.ArrayObject;
import com.github.unidbg.linux.android.dvm.array.IntArray;
import com.github.unidbg.memory.MemoryBlock;
import com.github.unidbg.pointer.UnidbgPointer;
import java.io.BufferedOutputStream;
import java.io.File;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;

/**
 * LIBRARIES MODEL OUT FRAME…: the bridge and TFLite, as they are in the APK, on Android's own libc.
 *
 * Each FRAME holds the bytes of the model's input; all outputs, one behind the other, go to OUT/0, OUT/1, …. -Dredmobile.delegate=NAME: a library
 * among LIBRARIES that exports a delegate, in front of XNNPACK; -Dredmobile.delegate.options=KEY=VALUE,…: for it. Then, with
 * -Dredmobile.refuse=true, everything that must be refused is tried.
 * Every line on stdout that begins with "redmobile " is an answer: version, coverage, frame, thrown.
 */
public final class Main {
    private static final int XNNPACK = 0;
    private static final int EXTERNAL = 2;
    private static final String DELEGATE = System.getProperty("redmobile.delegate", "");
    private static final String[] OPTIONS = Arrays.stream(System.getProperty("redmobile.delegate.options", "").split("[,=]"))
        .filter(word -> !word.isEmpty()).toArray(String[]::new);

    private final Phone phone = Phone.on();
    private final VM vm;
    private final Jni jni;
    private final DvmClass bridge;

    private Main(File libraries) {
        vm = phone.createDalvikVM();
        jni = new Jni(vm, phone.getSvcMemory());
        vm.loadLibrary(new File(libraries, "libredmobile_tflite.so"), true).callJNI_OnLoad(phone); // loads TFLite, which it depends on
        if (!DELEGATE.isEmpty()) vm.loadLibrary(new File(libraries, DELEGATE), false); // unidbg's dlopen knows only what is loaded
        bridge = vm.resolveClass("dev/redmobile/tflite/Bridge");
    }

    public static void main(String[] arguments) throws IOException {
        Main main = new Main(new File(arguments[0]));
        byte[] model = Files.readAllBytes(Path.of(arguments[1]));
        say("version " + main.bridge.callStaticJniMethodObject(main.phone, "version()Ljava/lang/String;").getValue());
        main.enhance(model, new File(arguments[2]), Arrays.asList(arguments).subList(3, arguments.length));
        if (Boolean.getBoolean("redmobile.refuse")) main.refuse(model);
        main.phone.close();
    }

    private void enhance(byte[] model, File out, Iterable<String> frames) throws IOException {
        long session = DELEGATE.isEmpty() ? create(model, XNNPACK, "") : create(model, EXTERNAL, DELEGATE, OPTIONS);
        if (session == 0) {
            say("thrown model " + jni.takeThrown());
            return;
        }
        say("coverage " + Arrays.toString(((IntArray) bridge.callStaticJniMethodObject(phone, "coverage(J)[I", session)).getValue()));
        Jni.Buffer input = data(session, false, 0);
        int done = 0;
        for (String frame : frames) {
            byte[] bytes = Files.readAllBytes(Path.of(frame));
            if (bytes.length != input.bytes) throw new IOException(frame + ": expected " + input.bytes + " bytes, found " + bytes.length);
            memory(input).write(0, bytes, 0, bytes.length);
            bridge.callStaticJniMethod(phone, "invoke(J)V", session);
            writeOutputs(session, new File(out, Integer.toString(done)));
            String thrown = jni.takeThrown();
            say(thrown == null ? "frame " + done : "thrown frame " + thrown);
            done++;
        }
        DvmObject<?> tensor = jni.buffer(input.address, input.bytes), bigger = jni.buffer(input.address, input.bytes + 1);
        bridge.callStaticJniMethod(phone, "flip(Ljava/nio/ByteBuffer;ILjava/nio/ByteBuffer;II)V", bigger, 0, tensor, 0, input.bytes + 1);
        say("thrown size " + jni.takeThrown());
        bridge.callStaticJniMethod(phone, "destroy(J)V", session);
    }

    private void writeOutputs(long session, File file) throws IOException {
        int outputs = bridge.callStaticJniMethodInt(phone, "count(JZ)I", session, (byte) 1);
        try (OutputStream stream = new BufferedOutputStream(new FileOutputStream(file))) {
            for (int index = 0; index < outputs; index++) {
                Jni.Buffer output = data(session, true, index);
                stream.write(memory(output).getByteArray(0, output.bytes));
            }
        }
    }

    private void refuse(byte[] model) {
        create(Arrays.copyOf(model, model.length / 2), XNNPACK, "");
        say("thrown truncated " + jni.takeThrown());
        create(new byte[model.length], XNNPACK, "");
        say("thrown zeros " + jni.takeThrown());
        create(model, EXTERNAL, "/data/local/tmp/libmissing.so", "threads", "2");
        say("thrown delegate " + jni.takeThrown());
        create(model, EXTERNAL, "libc.so");
        say("thrown plugin " + jni.takeThrown());
    }

    /** The bridge's handle, 0 if it threw. options: key, value, key, … */
    private long create(byte[] model, int kind, String library, String... options) {
        MemoryBlock block = phone.getMemory().malloc(model.length, true);
        block.getPointer().write(0, model, 0, model.length);
        String[] keys = new String[options.length / 2], values = new String[options.length / 2];
        for (int i = 0; i < keys.length; i++) {
            keys[i] = options[2 * i];
            values[i] = options[2 * i + 1];
        }
        String signature = "create(Ljava/nio/ByteBuffer;IILjava/lang/String;[Ljava/lang/String;[Ljava/lang/String;)J";
        DvmObject<?> bytes = jni.buffer(block.getPointer().peer, model.length);
        return bridge.callStaticJniMethodLong(phone, signature, bytes, 1, kind, new StringObject(vm, library), strings(keys), strings(values));
    }

    private ArrayObject strings(String[] texts) {
        return new ArrayObject(Arrays.stream(texts).map(text -> new StringObject(vm, text)).toArray(DvmObject<?>[]::new));
    }

    private Jni.Buffer data(long session, boolean output, int index) {
        String signature = "data(JZI)Ljava/nio/ByteBuffer;";
        return (Jni.Buffer) bridge.callStaticJniMethodObject(phone, signature, session, (byte) (output ? 1 : 0), index).getValue();
    }

    private UnidbgPointer memory(Jni.Buffer buffer) {
        return UnidbgPointer.pointer(phone, buffer.address);
    }

    private static void say(String answer) {
        System.out.println("redmobile " + answer);
    }
}
