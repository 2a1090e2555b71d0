package dev.redmobile.demo

import org.junit.runners.model.FrameworkMethod
import org.robolectric.RobolectricTestRunner
import org.robolectric.internal.bytecode.InstrumentationConfiguration

/**
 * Runs every test that touches Android. The bridge's package stays with the JVM's own class loader, since a native library can be loaded by one
 * only; sandboxes are kept by a key that ignores such packages, so all tests must use this runner.
 */
class DemoTestRunner(test: Class<*>) : RobolectricTestRunner(test) {
    override fun createClassLoaderConfig(method: FrameworkMethod): InstrumentationConfiguration =
        InstrumentationConfiguration.Builder(super.createClassLoaderConfig(method)).doNotAcquirePackage("dev.redmobile.tflite.").build()
}
