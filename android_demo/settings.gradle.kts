// The app for Android Studio. NOT VERIFIED: the Android plug-in is in Google's repository, which was out of reach when this was written.
// What is verified is `redmobile android build`, over the same sources.
pluginManagement {
    repositories {
        google()
        mavenCentral()
        gradlePluginPortal()
    }
}

dependencyResolutionManagement {
    repositoriesMode = RepositoriesMode.FAIL_ON_PROJECT_REPOS
    repositories {
        google()
        mavenCentral()
    }
}

rootProject.name = "redmobile-demo"
include(":app")
