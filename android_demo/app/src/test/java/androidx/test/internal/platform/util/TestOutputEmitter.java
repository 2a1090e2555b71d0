// Stands in for androidx.test, which is in Google's repository alone: what Robolectric refers to, and no more.
package androidx.test.internal.platform.util;

public final class TestOutputEmitter {
    private TestOutputEmitter() {}

    public static void dumpThreadStates(String name) {}
}
