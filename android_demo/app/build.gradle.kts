// See ../settings.gradle.kts: not verified here.
plugins {
    alias(libs.plugins.android.application)
    alias(libs.plugins.kotlin.android)
}

// TFLite's library lies in a jar, as lib/arm64-v8a/libjnitensorflowlite.so: the bridge is linked against it, and the APK carries it.
val tflite: Configuration by configurations.creating { isTransitive = false }
val nativeLibraries = layout.buildDirectory.dir("tflite")
val unpackTflite by tasks.registering(Copy::class) {
    from(tflite.elements.map { jars -> jars.map { zipTree(it) } }) { include("lib/**/*.so") }
    into(nativeLibraries)
    eachFile { path = path.removePrefix("lib/") }
    includeEmptyDirs = false
}

android {
    namespace = "dev.redmobile.demo"
    compileSdk = 35

    defaultConfig {
        applicationId = "dev.redmobile.demo"
        minSdk = 26
        targetSdk = 35
        versionCode = 1
        versionName = "studio"
        ndk { abiFilters += "arm64-v8a" }
        externalNativeBuild { cmake { arguments += "-DTFLITE_LIBRARIES=${nativeLibraries.get().asFile}" } }
    }
    sourceSets["main"].jniLibs.srcDir(nativeLibraries)
    externalNativeBuild { cmake { path = file("src/main/cpp/CMakeLists.txt") } }
    // The model is mapped where it lies in the APK: red_mobile_rgba_int8.tflite, from `redmobile convert … --io rgba:int8`, into src/main/assets.
    androidResources { noCompress += "tflite" }
    compileOptions {
        sourceCompatibility = JavaVersion.VERSION_1_8
        targetCompatibility = JavaVersion.VERSION_1_8
    }
    kotlinOptions { jvmTarget = "1.8" }
    testOptions { unitTests.isIncludeAndroidResources = true }
}

tasks.configureEach { if (name.startsWith("configureCMake") || name.endsWith("JniLibFolders")) dependsOn(unpackTflite) }

dependencies {
    tflite(variantOf(libs.tflite) { classifier("android-arm64") })
    implementation(libs.kotlin.stdlib)
    testImplementation(libs.junit)
    testImplementation(libs.robolectric)
}
